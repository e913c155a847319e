//! The types of arrays, one for each type of elements.

use super::super::{Category, Properties, Type};

macro_rules! arrays {
    ($($kind:ident $element:ident $oid:literal $name:literal $alias:literal;)*) => {
        /// Like the table of the other types; the alias is the name in pg_type.
        pub(in crate::types) const ARRAYS: &[Properties] = &[$(Properties {
            kind: Type::$kind, oid: $oid, size: -1, category: Category::Array,
            preferred: false, name: $name, aliases: &[$alias],
        }),*];

        /// The type of the elements of an array.
        pub(in crate::types) fn element_of(array: Type) -> Option<Type> {
            match array {
                $(Type::$kind => Some(Type::$element),)*
                // Arrays of one dimension that begin at 0 and have a text form of their own.
                Type::Int2Vector => Some(Type::Int2),
                Type::OidVector => Some(Type::Oid),
                _ => None,
            }
        }

        /// The type of arrays of such elements.
        pub(in crate::types) fn array_of(element: Type) -> Option<Type> {
            match element {
                $(Type::$element => Some(Type::$kind),)*
                _ => None,
            }
        }
    };
}

arrays! {
    BoolArray Bool 1000 "boolean[]" "_bool";
    Int2Array Int2 1005 "smallint[]" "_int2";
    Int4Array Int4 1007 "integer[]" "_int4";
    Int8Array Int8 1016 "bigint[]" "_int8";
    Float4Array Float4 1021 "real[]" "_float4";
    Float8Array Float8 1022 "double precision[]" "_float8";
    NumericArray Numeric 1231 "numeric[]" "_numeric";
    TextArray Text 1009 "text[]" "_text";
    VarcharArray Varchar 1015 "character varying[]" "_varchar";
    BpcharArray Bpchar 1014 "character[]" "_bpchar";
    NameArray Name 1003 "name[]" "_name";
    ByteaArray Bytea 1001 "bytea[]" "_bytea";
    DateArray Date 1182 "date[]" "_date";
    TimeArray Time 1183 "time without time zone[]" "_time";
    TimetzArray Timetz 1270 "time with time zone[]" "_timetz";
    TimestampArray Timestamp 1115 "timestamp without time zone[]" "_timestamp";
    TimestamptzArray Timestamptz 1185 "timestamp with time zone[]" "_timestamptz";
    IntervalArray Interval 1187 "interval[]" "_interval";
    UuidArray Uuid 2951 "uuid[]" "_uuid";
    JsonArray Json 199 "json[]" "_json";
    JsonbArray Jsonb 3807 "jsonb[]" "_jsonb";
    JsonpathArray Jsonpath 4073 "jsonpath[]" "_jsonpath";
    OidArray Oid 1028 "oid[]" "_oid";
    RegtypeArray Regtype 2211 "regtype[]" "_regtype";
    CharArray Char 1002 "\"char\"[]" "_char";
    RegclassArray Regclass 2210 "regclass[]" "_regclass";
    RegprocArray Regproc 1008 "regproc[]" "_regproc";
    RegprocedureArray Regprocedure 2207 "regprocedure[]" "_regprocedure";
    RegoperArray Regoper 2208 "regoper[]" "_regoper";
    RegoperatorArray Regoperator 2209 "regoperator[]" "_regoperator";
    RegnamespaceArray Regnamespace 4090 "regnamespace[]" "_regnamespace";
    RegroleArray Regrole 4097 "regrole[]" "_regrole";
    RegcollationArray Regcollation 4192 "regcollation[]" "_regcollation";
    XidArray Xid 1011 "xid[]" "_xid";
    AclItemArray AclItem 1034 "aclitem[]" "_aclitem";
    RecordArray Record 2287 "record[]" "_record";
}
