//! Types of users: keys of enums, and binary forms.

use crate::catalog::types::{first_key, key_between};
use crate::types::io::{self, Style};
use crate::types::user::{Attribute, Definition, Label, Shape};
use crate::types::{Datum, Type, TypeMod, UserType};

#[test]
fn keys_of_enums_keep_their_order() {
    let mut keys: Vec<Vec<u8>> = (0..600).map(first_key).collect();
    // Everywhere, again and again: at both ends, and always behind the value that was added last.
    let mut place = 0usize;
    for round in 0..3000usize {
        let before = place.checked_sub(1).and_then(|at: usize| keys.get(at)).cloned();
        let key = key_between(before.as_deref(), keys.get(place).map(Vec::as_slice));
        keys.insert(place, key);
        place = match round % 3 {
            0 => place + 1,
            1 => (round * 7919) % (keys.len() + 1),
            _ => place,
        };
    }
    assert!(keys.is_sorted());
    let count = keys.len();
    keys.dedup();
    assert_eq!(keys.len(), count);
    assert!(keys.iter().all(|key| key.len() < 2000));
}

fn mood() -> UserType {
    let label = |(place, name): (usize, &str)| Label {
        name: name.into(),
        key: first_key(place),
        is_pending: name == "new",
    };
    UserType::new(Definition {
        oid: 4_000_001,
        array_oid: 4_000_002,
        schema: "public".into(),
        name: "Mood".into(),
        array_name: "_Mood".into(),
        shape: Shape::Enum(["sad", "ok", "new"].into_iter().enumerate().map(label).collect()),
    })
}

#[test]
fn enums_are_read_and_written() {
    let kind = Type::Enum(mood());
    let style = Style::default();
    assert_eq!(kind.name(), "\"Mood\"");
    for name in ["sad", "ok"] {
        let value = io::from_text(kind, name, &style).unwrap();
        assert_eq!(io::to_text(kind, &value, &style).unwrap(), name);
        assert_eq!(io::from_binary(kind, name.as_bytes()).unwrap(), value);
    }
    let error = io::from_text(kind, "bad", &style).unwrap_err().into_report();
    assert_eq!(error.message, "invalid input value for enum \"Mood\": \"bad\"");
    let error = io::from_text(kind, "new", &style).unwrap_err().into_report();
    assert_eq!(error.state.code(), "55P04");
}

#[test]
fn handles_stand_for_definitions() {
    let user = mood();
    for kind in [Type::Enum(user), Type::UserArray(user), Type::Int4, Type::TextArray] {
        let known = Type::from_handle(kind.handle()).unwrap();
        assert_eq!(known, kind);
        assert_eq!(known.handle(), kind.handle());
    }
    // A renamed value makes another definition of the same type.
    let mut changed = user.definition().clone();
    if let Shape::Enum(labels) = &mut changed.shape {
        labels[0].name = "blue".into();
    }
    let other = UserType::new(changed);
    assert_eq!(Type::Enum(other), Type::Enum(user));
    assert_ne!(Type::Enum(other).handle(), Type::Enum(user).handle());
}

#[test]
fn rows_are_read_and_written() {
    let fields = vec![
        Attribute::new("a", TypeMod::plain(Type::Int4)),
        Attribute { dropped: true, ..Attribute::new("gone", TypeMod::plain(Type::Text)) },
        Attribute::new("b", TypeMod::plain(Type::Text)),
        Attribute::new("m", TypeMod::plain(Type::Enum(mood()))),
    ];
    let kind = Type::Composite(UserType::anonymous(fields));
    let style = Style::default();
    for text in ["(1,x,ok)", "(,\"a \"\"q\"\" (b)\",sad)", "(2,\"\",)", "(,,)"] {
        let value = io::from_text(kind, text, &style).unwrap();
        assert_eq!(io::to_text(kind, &value, &style).unwrap(), text);
        let mut binary = Vec::new();
        io::write_binary(kind, &value, &mut binary).unwrap();
        assert_eq!(io::from_binary(kind, &binary).unwrap(), value, "{text}");
        // Every part of it is refused, and does no harm.
        for end in 0..binary.len() {
            assert!(io::from_binary(kind, &binary[..end]).is_err());
        }
    }
    for text in ["", "(", "(1", "(1,2", "(1,2)", "(1,2,ok,4)", "(1,2,ok) x", "(1,\"2,ok)", "(1,\\"]
    {
        let error = io::from_text(kind, text, &style).unwrap_err().into_report();
        assert_eq!(error.message, format!("malformed record literal: \"{text}\""));
    }
    let error = io::from_text(kind, "(x,,)", &style).unwrap_err().into_report();
    assert_eq!(error.message, "invalid input syntax for type integer: \"x\"");
    assert_ne!(io::from_text(kind, "(,,)", &style).unwrap(), Datum::Null);
}
