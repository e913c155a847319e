//! What a session keeps by name, with a place of its own for what has none.
//!
//! Drivers use the unnamed statement and portal for nearly everything, so these are not looked up.

use std::collections::HashMap;

/// Values by name; the empty name is the unnamed one.
#[derive(Debug)]
pub struct Named<T> {
    unnamed: Option<T>,
    named: HashMap<String, T>,
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Named { unnamed: None, named: HashMap::new() }
    }
}

impl<T> Named<T> {
    /// The value called `name`.
    pub fn get(&self, name: &str) -> Option<&T> {
        if name.is_empty() { self.unnamed.as_ref() } else { self.named.get(name) }
    }

    /// The value called `name`, to change.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        if name.is_empty() { self.unnamed.as_mut() } else { self.named.get_mut(name) }
    }

    /// Whether there is one called `name`.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Sets the value called `name`.
    pub fn insert(&mut self, name: &str, value: T) {
        if name.is_empty() {
            self.unnamed = Some(value);
        } else {
            self.named.insert(name.to_owned(), value);
        }
    }

    /// Takes the value called `name` out.
    pub fn remove(&mut self, name: &str) -> Option<T> {
        if name.is_empty() { self.unnamed.take() } else { self.named.remove(name) }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.named.len() + usize::from(self.unnamed.is_some())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All that have names, to change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&String, &mut T)> {
        self.named.iter_mut()
    }

    /// Forgets those that are not to be kept; the one without a name always. Whether any had names.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) -> bool {
        self.unnamed = None;
        let any = !self.named.is_empty();
        if any {
            self.named.retain(|_, value| keep(value));
        }
        any
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.unnamed = None;
        if !self.named.is_empty() {
            self.named.clear();
        }
    }
}
