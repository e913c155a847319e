//! Which function a call means: PostgreSQL's rules for overloads (chapters 10.2 and 10.3).

use super::casts::{self, CastLevel};
use super::{Function, polymorphic};
use crate::types::{Category, Type};

/// Outcome of a look-up by name and argument types.
pub enum Resolution {
    /// The one best match.
    Found(&'static Function),
    /// No candidate accepts the arguments.
    NoMatch,
    /// Several do, none better.
    Ambiguous,
}

fn accepts(from: Type, to: Type) -> bool {
    casts::level(from, to) == Some(CastLevel::Implicit) || polymorphic::accepts(from, to)
}

/// The type a candidate expects at `index`.
pub fn expected(function: &Function, index: usize) -> Type {
    let last = function.args.last().copied().unwrap_or(Type::Unknown);
    function.args.get(index).copied().unwrap_or(last)
}

/// Picks among `candidates` for arguments of the given types, `Unknown` for literals
/// and parameters whose type is open.
pub fn resolve(candidates: impl Iterator<Item = &'static Function>, args: &[Type]) -> Resolution {
    let fits =
        |f: &&Function| f.args.len() == args.len() || (f.variadic && args.len() >= f.args.len());
    let candidates: Vec<&'static Function> = candidates.filter(fits).collect();
    // What repeats takes anything, through its text.
    let open_ended = candidates.iter().find(|f| {
        f.variadic
            && (0..f.args.len() - 1)
                .all(|i| args.get(i).is_some_and(|arg| accepts(*arg, expected(f, i))))
    });
    if let Some(found) = open_ended {
        return Resolution::Found(found);
    }
    pick(&candidates, args, expected)
}

/// The type in which values of two types are compared or combined by an operator that exists
/// once for every type, such as `=`.
pub fn common_operand_type(left: Type, right: Type) -> Option<Type> {
    if !left.is_comparable() || !right.is_comparable() {
        return None;
    }
    if left != right && left.is_row() && right.is_row() {
        return Some(Type::Record);
    }
    if left == right {
        return Some(if left == Type::Unknown { Type::Text } else { left });
    }
    // The operators are those of records, which are not read.
    if left == Type::Unknown && right.is_row() || right == Type::Unknown && left.is_row() {
        return Some(Type::Record);
    }
    if left == Type::Unknown {
        return Some(right);
    }
    if right == Type::Unknown {
        return Some(left);
    }
    // An operator on arrays wants both of one type.
    if left.is_array() || right.is_array() {
        return None;
    }
    if left == Type::Bpchar && right.is_string() || right == Type::Bpchar && left.is_string() {
        return Some(if left == Type::Text || right == Type::Text {
            Type::Text
        } else {
            Type::Bpchar
        });
    }
    if left.is_string() && right.is_string() {
        return Some(Type::Text);
    }
    // float4 has an operator of its own only for itself and float8.
    let numeric = |kind: Type| kind.category() == Category::Numeric;
    let float4 = left == Type::Float4 || right == Type::Float4;
    if left != right && float4 && numeric(left) && numeric(right) {
        return Some(Type::Float8);
    }
    match (accepts(left, right), accepts(right, left)) {
        (true, false) => Some(right),
        (false, true) => Some(left),
        (true, true) => Some(if left.is_preferred() { left } else { right }),
        // Such as float4 with numeric: both go to the preferred type.
        (false, false) if left.category() == right.category() => {
            let preferred = Type::Float8;
            (accepts(left, preferred) && accepts(right, preferred)).then_some(preferred)
        }
        // Such as "char" with varchar, which have only text in common.
        (false, false) => {
            let text = Type::Text;
            (accepts(left, text) && accepts(right, text)).then_some(text)
        }
    }
}

fn pick(
    candidates: &[&'static Function],
    args: &[Type],
    wants: impl Fn(&Function, usize) -> Type,
) -> Resolution {
    let known: Vec<usize> =
        (0..args.len()).filter(|i| args.get(*i) != Some(&Type::Unknown)).collect();
    let arg = |i: usize| args.get(i).copied().unwrap_or(Type::Unknown);
    // An exact match wins; an operator with one unknown side is first tried as if both were alike.
    let exact = |types: &dyn Fn(usize) -> Type| {
        candidates.iter().find(|f| (0..args.len()).all(|i| wants(f, i) == types(i))).copied()
    };
    if let Some(found) = exact(&arg) {
        return Resolution::Found(found);
    }
    if let ([known], 2) = (known.as_slice(), args.len())
        && let Some(found) = exact(&|_| arg(*known))
    {
        return Resolution::Found(found);
    }
    let fits = |f: &Function, args: &[Type]| {
        let mut all = args.iter().enumerate();
        all.all(|(i, arg)| accepts(*arg, wants(f, i))) && polymorphic::is_consistent(f, args)
    };
    let mut left: Vec<&'static Function> =
        candidates.iter().filter(|f| fits(f, args)).copied().collect();
    let narrow = |left: &mut Vec<&'static Function>, score: &dyn Fn(&Function) -> usize| {
        let best = left.iter().map(|f| score(f)).max().unwrap_or(0);
        left.retain(|f| score(f) == best);
    };
    if left.len() > 1 {
        narrow(&mut left, &|f| known.iter().filter(|i| wants(f, **i) == arg(**i)).count());
    }
    if left.len() > 1 {
        narrow(&mut left, &|f| {
            let good = |i: &&usize| {
                let want = wants(f, **i);
                want == arg(**i) || (want.is_preferred() && want.category() == arg(**i).category())
            };
            known.iter().filter(good).count()
        });
    }
    if left.len() > 1 {
        // Unknown literals lean towards strings, then towards the category all agree on.
        for i in (0..args.len()).filter(|i| arg(*i) == Type::Unknown) {
            let categories: Vec<Category> = left.iter().map(|f| wants(f, i).category()).collect();
            let category = match categories.first() {
                _ if categories.contains(&Category::String) => Category::String,
                Some(first) if categories.iter().all(|c| c == first) => *first,
                _ => continue,
            };
            left.retain(|f| wants(f, i).category() == category);
            if left.iter().any(|f| wants(f, i).is_preferred()) {
                left.retain(|f| wants(f, i).is_preferred());
            }
        }
    }
    if left.len() > 1
        && let Some(first) = known.first()
        && known.iter().all(|i| arg(*i) == arg(*first))
        && known.len() < args.len()
    {
        // Last resort: take the unknown ones to be of the known type.
        let alike = vec![arg(*first); args.len()];
        let matching: Vec<_> = left.iter().copied().filter(|f| fits(f, &alike)).collect();
        if matching.len() == 1 {
            left = matching;
        }
    }
    match left.as_slice() {
        [] => Resolution::NoMatch,
        [found] => Resolution::Found(found),
        _ => Resolution::Ambiguous,
    }
}
