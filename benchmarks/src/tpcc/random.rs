//! The random values of clauses 2.1.6 and 4.3.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const SYLLABLES: [&str; 10] =
    ["BAR", "OUGHT", "ABLE", "PRI", "PRES", "ESE", "ANTI", "CALLY", "ATION", "EING"];

/// Constant C of NURand for last names at load time; the run's differs from it by a value that
/// clause 2.1.6.1 allows.
const C_LAST_LOAD: u32 = 157;
const C_LAST_RUN: u32 = 223;
const C_ID: u32 = 259;
const C_ITEM: u32 = 7911;

/// A terminal's or loader's source of randomness.
pub struct Random(StdRng);

impl Random {
    /// The same seed gives the same choices.
    pub fn new(seed: u64) -> Random {
        Random(StdRng::seed_from_u64(seed))
    }

    /// Uniform in `low..=high`.
    pub fn number(&mut self, low: i32, high: i32) -> i32 {
        self.0.random_range(low..=high)
    }

    /// Uniform in [0, 1).
    pub fn fraction(&mut self) -> f64 {
        self.0.random::<f64>()
    }

    fn non_uniform(&mut self, a: i32, c: u32, low: i32, high: i32) -> i32 {
        let mixed = self.number(0, a) | self.number(low, high);
        (mixed + c as i32).rem_euclid(high - low + 1) + low
    }

    /// NURand(1023, 1, 3000).
    pub fn customer(&mut self) -> i32 {
        self.non_uniform(1023, C_ID, 1, 3000)
    }

    /// NURand(8191, 1, 100000).
    pub fn item(&mut self) -> i32 {
        self.non_uniform(8191, C_ITEM, 1, 100_000)
    }

    /// A last name as the run asks for it.
    pub fn last_name(&mut self) -> String {
        let number = self.non_uniform(255, C_LAST_RUN, 0, 999);
        last_name(number)
    }

    /// A last name as customers beyond the first thousand get it.
    pub fn loaded_last_name(&mut self) -> String {
        let number = self.non_uniform(255, C_LAST_LOAD, 0, 999);
        last_name(number)
    }

    fn string(&mut self, alphabet: &[u8], low: i32, high: i32) -> String {
        let length = self.number(low, high);
        let last = alphabet.len() as i32 - 1;
        (0..length).map(|_| char::from(alphabet[self.number(0, last) as usize])).collect()
    }

    /// An a-string: letters and digits.
    pub fn letters(&mut self, low: i32, high: i32) -> String {
        self.string(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", low, high)
    }

    /// An n-string: digits.
    pub fn digits(&mut self, low: i32, high: i32) -> String {
        self.string(b"0123456789", low, high)
    }

    /// Four digits and 11111.
    pub fn zip(&mut self) -> String {
        self.digits(4, 4) + "11111"
    }

    /// 26 to 50 letters; one in ten has ORIGINAL somewhere.
    pub fn data(&mut self) -> String {
        let text = self.letters(26, 50);
        if self.number(1, 10) != 1 {
            return text;
        }
        let at = self.number(0, text.len() as i32 - 8) as usize;
        format!("{}ORIGINAL{}", &text[..at], &text[at + 8..])
    }

    /// Puts a list in random order.
    pub fn shuffle(&mut self, list: &mut [i32]) {
        for i in (1..list.len()).rev() {
            list.swap(i, self.number(0, i as i32) as usize);
        }
    }
}

/// A number from 0 to 999 as three syllables (clause 4.3.2.3).
pub fn last_name(number: i32) -> String {
    let syllable = |n: i32| SYLLABLES[(n % 10) as usize];
    [syllable(number / 100), syllable(number / 10), syllable(number)].concat()
}
