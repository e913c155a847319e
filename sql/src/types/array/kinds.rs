//! The types of arrays, one for each type of elements.

use super::super::{Category, Properties, Type};

macro_rules! arrays {
    ($($element:ident $oid:literal $name:literal $alias:literal;)*) => {
        /// Like the table of the other types; the alias is the name in pg_type.
        pub(in crate::types) const ARRAYS: &[Properties] = &[$(Properties {
            kind: Type::Array(&Type::$element), oid: $oid, size: -1, category: Category::Array,
            preferred: false, name: $name, aliases: &[$alias],
        }),*];
    };
}

arrays! {
    Bool 1000 "boolean[]" "_bool";
    Int2 1005 "smallint[]" "_int2";
    Int4 1007 "integer[]" "_int4";
    Int8 1016 "bigint[]" "_int8";
    Float4 1021 "real[]" "_float4";
    Float8 1022 "double precision[]" "_float8";
    Numeric 1231 "numeric[]" "_numeric";
    Text 1009 "text[]" "_text";
    Varchar 1015 "character varying[]" "_varchar";
    Bpchar 1014 "character[]" "_bpchar";
    Name 1003 "name[]" "_name";
    Bytea 1001 "bytea[]" "_bytea";
    Date 1182 "date[]" "_date";
    Time 1183 "time without time zone[]" "_time";
    Timestamp 1115 "timestamp without time zone[]" "_timestamp";
    Timestamptz 1185 "timestamp with time zone[]" "_timestamptz";
    Interval 1187 "interval[]" "_interval";
    Uuid 2951 "uuid[]" "_uuid";
    Oid 1028 "oid[]" "_oid";
    Regtype 2211 "regtype[]" "_regtype";
}
