//! PostgreSQL's types, and how their values are laid out.
//!
//! The binder thinks in [`Type`]; everything below it sees only a [`Datum`], whose eight shapes
//! are also the Arrow types in use. Where a type has no natural shape it is encoded: `numeric`
//! and `interval` as bytes whose order is the values' order, dates and times as integers.
//! Which functions apply to a datum is settled when a statement is bound, so no type tag
//! travels with the values. (Only [`array`]s say what their elements are, [`json`] what its parts and [`record`]s what
//! their fields are.)

pub mod array;
pub mod composite;
pub mod datetime;
pub mod datum;
pub mod format;
pub mod interval;
pub mod io;
pub mod json;
pub mod jsonpath;
pub mod numeric;
pub mod record;
pub mod user;

use datafusion::arrow::datatypes::DataType;

pub use datum::Datum;
pub use numeric::Numeric;
pub use user::UserType;

/// A type of PostgreSQL's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are PostgreSQL's")]
pub enum Type {
    Bool,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Numeric,
    Text,
    Varchar,
    Bpchar,
    Name,
    Bytea,
    Date,
    Time,
    Timetz,
    Timestamp,
    Timestamptz,
    Interval,
    Uuid,
    Json,
    Jsonb,
    Jsonpath,
    Oid,
    Regtype,
    // What system catalogs are made of: see system.rs.
    Char,
    Regclass,
    Regproc,
    Regprocedure,
    Regoper,
    Regoperator,
    Regnamespace,
    Regrole,
    Regcollation,
    Xid,
    Int2Vector,
    OidVector,
    AclItem,
    NodeTree,
    Record,
    Void,
    Unknown,
    // Arrays: see array/kinds.rs.
    BoolArray,
    Int2Array,
    Int4Array,
    Int8Array,
    Float4Array,
    Float8Array,
    NumericArray,
    TextArray,
    VarcharArray,
    BpcharArray,
    NameArray,
    ByteaArray,
    DateArray,
    TimeArray,
    TimetzArray,
    TimestampArray,
    TimestamptzArray,
    IntervalArray,
    UuidArray,
    JsonArray,
    JsonbArray,
    JsonpathArray,
    OidArray,
    RegtypeArray,
    CharArray,
    RegclassArray,
    RegprocArray,
    RegprocedureArray,
    RegoperArray,
    RegoperatorArray,
    RegnamespaceArray,
    RegroleArray,
    RegcollationArray,
    XidArray,
    AclItemArray,
    RecordArray,
    // These stand for types of arguments in the table of functions.
    AnyElement,
    AnyArray,
    AnyCompatible,
    AnyCompatibleArray,
    AnyEnum,
    // What users make: see user.rs.
    Enum(UserType),
    Domain(UserType),
    Composite(UserType),
    UserArray(UserType),
}

/// The categories of pg_type.typcategory, which decide between overloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are PostgreSQL's")]
pub enum Category {
    Array,
    Boolean,
    Numeric,
    String,
    DateTime,
    Timespan,
    User,
    Enum,
    Composite,
    Pseudo,
    Unknown,
    Internal,
}

/// Everything that is known of a type beside its functions.
struct Properties {
    kind: Type,
    oid: u32,
    /// Bytes, or -1.
    size: i16,
    category: Category,
    preferred: bool,
    /// The name that SQL standard and error messages use.
    name: &'static str,
    /// Other names that the parser accepts.
    aliases: &'static [&'static str],
}

macro_rules! types {
    ($($kind:ident $oid:literal $size:literal $category:ident $preferred:literal $name:literal [$($alias:literal)*];)*) => {
        const TYPES: &[Properties] = &[$(Properties {
            kind: Type::$kind, oid: $oid, size: $size, category: Category::$category,
            preferred: $preferred, name: $name, aliases: &[$($alias),*],
        }),*];
    };
}

types! {
    Bool 16 1 Boolean true "boolean" ["bool"];
    Int2 21 2 Numeric false "smallint" ["int2"];
    Int4 23 4 Numeric false "integer" ["int4" "int"];
    Int8 20 8 Numeric false "bigint" ["int8"];
    Float4 700 4 Numeric false "real" ["float4"];
    Float8 701 8 Numeric true "double precision" ["float8"];
    Numeric 1700 -1 Numeric false "numeric" ["decimal"];
    Text 25 -1 String true "text" [];
    Varchar 1043 -1 String false "character varying" ["varchar"];
    Bpchar 1042 -1 String false "character" ["bpchar" "char"];
    Name 19 64 String false "name" [];
    Bytea 17 -1 User false "bytea" [];
    Date 1082 4 DateTime false "date" [];
    Time 1083 8 DateTime false "time without time zone" ["time"];
    Timetz 1266 12 DateTime false "time with time zone" ["timetz"];
    Timestamp 1114 8 DateTime false "timestamp without time zone" ["timestamp"];
    Timestamptz 1184 8 DateTime true "timestamp with time zone" ["timestamptz"];
    Interval 1186 16 Timespan true "interval" [];
    Uuid 2950 16 User false "uuid" [];
    Json 114 -1 User false "json" [];
    Jsonb 3802 -1 User false "jsonb" [];
    Jsonpath 4072 -1 User false "jsonpath" [];
    Oid 26 4 Numeric true "oid" [];
    Regtype 2206 4 Numeric false "regtype" [];
    Char 18 1 Internal false "\"char\"" [];
    Regclass 2205 4 Numeric false "regclass" [];
    Regproc 24 4 Numeric false "regproc" [];
    Regprocedure 2202 4 Numeric false "regprocedure" [];
    Regoper 2203 4 Numeric false "regoper" [];
    Regoperator 2204 4 Numeric false "regoperator" [];
    Regnamespace 4089 4 Numeric false "regnamespace" [];
    Regrole 4096 4 Numeric false "regrole" [];
    Regcollation 4191 4 Numeric false "regcollation" [];
    Xid 28 4 User false "xid" [];
    Int2Vector 22 -1 Array false "int2vector" [];
    OidVector 30 -1 Array false "oidvector" [];
    AclItem 1033 12 User false "aclitem" [];
    NodeTree 194 -1 Internal false "pg_node_tree" [];
    Record 2249 -1 Pseudo false "record" [];
    Void 2278 4 Pseudo false "void" [];
    Unknown 705 -2 Unknown false "unknown" [];
    AnyElement 2283 4 Pseudo false "anyelement" [];
    AnyArray 2277 -1 Pseudo false "anyarray" [];
    AnyCompatible 5077 4 Pseudo false "anycompatible" [];
    AnyCompatibleArray 5078 -1 Pseudo false "anycompatiblearray" [];
    AnyEnum 3500 4 Pseudo false "anyenum" [];
}

impl Type {
    fn properties(self) -> &'static Properties {
        match self {
            Type::Enum(user) | Type::Domain(user) | Type::Composite(user) => {
                return user.properties();
            }
            Type::UserArray(user) => return user.array_properties(),
            _ => {}
        }
        let mut all = TYPES.iter().chain(array::ARRAYS);
        let found = all.find(|properties| properties.kind == self);
        found.expect("every type is in the table")
    }

    /// pg_type.oid.
    pub fn oid(self) -> u32 {
        self.properties().oid
    }

    /// The built-in type with this oid.
    pub fn from_oid(oid: u32) -> Option<Type> {
        let mut all = TYPES.iter().chain(array::ARRAYS);
        all.find(|properties| properties.oid == oid).map(|properties| properties.kind)
    }

    /// The type with this name, SQL's or PostgreSQL's own.
    pub fn from_name(name: &str) -> Option<Type> {
        let matches = |p: &&Properties| p.name == name || p.aliases.contains(&name);
        // Arrays have but one name, that of pg_type: the other is an expression of SQL.
        let array = || array::ARRAYS.iter().find(|p| p.aliases.contains(&name));
        TYPES.iter().find(matches).or_else(array).map(|properties| properties.kind)
    }

    /// The type of arrays of such elements; of an array, its own, which has any dimensions.
    pub fn array(self) -> Option<Type> {
        match self {
            Type::Enum(user) | Type::Domain(user) | Type::Composite(user) => {
                Some(Type::UserArray(user))
            }
            kind if kind.is_array() => Some(kind),
            kind => array::array_of(kind),
        }
    }

    /// Whether values are numbers that stand for something in the catalog, and are shown by its name.
    pub fn is_reg(self) -> bool {
        matches!(
            self,
            Type::Regtype
                | Type::Regclass
                | Type::Regproc
                | Type::Regprocedure
                | Type::Regoper
                | Type::Regoperator
                | Type::Regnamespace
                | Type::Regrole
                | Type::Regcollation
        )
    }

    /// The name in pg_type.
    pub fn catalog_name(self) -> &'static str {
        match self {
            Type::Bpchar => "bpchar",
            Type::Char => "char",
            other => {
                let properties = other.properties();
                properties.aliases.first().copied().unwrap_or(properties.name)
            }
        }
    }

    /// All types that there are values of, and those that stand for others.
    pub fn all() -> impl Iterator<Item = Type> {
        TYPES.iter().chain(array::ARRAYS).map(|properties| properties.kind)
    }

    /// The type of an array's elements.
    pub fn element(self) -> Option<Type> {
        match self {
            Type::UserArray(user) => Some(user.kind()),
            Type::Domain(_) => self.base().element(),
            kind => array::element_of(kind),
        }
    }

    /// Whether values are arrays.
    pub fn is_array(self) -> bool {
        self.element().is_some()
    }

    /// Whether it stands for others in the table of functions.
    pub fn is_polymorphic(self) -> bool {
        matches!(
            self,
            Type::AnyElement
                | Type::AnyArray
                | Type::AnyCompatible
                | Type::AnyCompatibleArray
                | Type::AnyEnum
        )
    }

    /// pg_type.typlen: bytes, or negative when variable.
    pub fn size(self) -> i16 {
        self.properties().size
    }

    /// pg_type.typcategory.
    pub fn category(self) -> Category {
        self.properties().category
    }

    /// pg_type.typispreferred.
    pub fn is_preferred(self) -> bool {
        self.properties().preferred
    }

    /// The name for people, as `format_type` gives it.
    pub fn name(self) -> &'static str {
        self.properties().name
    }

    /// How values are laid out in Arrow, and in a [`Datum`].
    pub fn layout(self) -> DataType {
        match self {
            Type::Bool => DataType::Boolean,
            Type::Int2 => DataType::Int16,
            Type::Int4 | Type::Date => DataType::Int32,
            Type::Int8
            | Type::Time
            | Type::Timestamp
            | Type::Timestamptz
            | Type::Oid
            | Type::Regtype
            | Type::Regclass
            | Type::Regproc
            | Type::Regprocedure
            | Type::Regoper
            | Type::Regoperator
            | Type::Regnamespace
            | Type::Regrole
            | Type::Regcollation
            | Type::Xid => DataType::Int64,
            Type::Float4 => DataType::Float32,
            Type::Float8 => DataType::Float64,
            Type::Text
            | Type::Varchar
            | Type::Bpchar
            | Type::Name
            | Type::Json
            | Type::Jsonpath
            | Type::Char
            | Type::AclItem
            | Type::NodeTree
            | Type::Unknown
            | Type::Void => DataType::Utf8,
            Type::Numeric
            | Type::Bytea
            | Type::Interval
            | Type::Timetz
            | Type::Uuid
            | Type::Jsonb => DataType::Binary,
            // No value has these types.
            Type::AnyElement | Type::AnyCompatible => DataType::Null,
            Type::BoolArray
            | Type::Int2Array
            | Type::Int4Array
            | Type::Int8Array
            | Type::Float4Array
            | Type::Float8Array
            | Type::NumericArray
            | Type::TextArray
            | Type::VarcharArray
            | Type::BpcharArray
            | Type::NameArray
            | Type::ByteaArray
            | Type::DateArray
            | Type::TimeArray
            | Type::TimetzArray
            | Type::TimestampArray
            | Type::TimestamptzArray
            | Type::IntervalArray
            | Type::UuidArray
            | Type::JsonArray
            | Type::JsonbArray
            | Type::JsonpathArray
            | Type::OidArray
            | Type::RegtypeArray
            | Type::CharArray
            | Type::RegclassArray
            | Type::RegprocArray
            | Type::RegprocedureArray
            | Type::RegoperArray
            | Type::RegoperatorArray
            | Type::RegnamespaceArray
            | Type::RegroleArray
            | Type::RegcollationArray
            | Type::XidArray
            | Type::AclItemArray
            | Type::Int2Vector
            | Type::OidVector
            | Type::RecordArray
            | Type::Record
            | Type::AnyArray
            | Type::AnyCompatibleArray
            | Type::AnyEnum
            | Type::Enum(_)
            | Type::Composite(_)
            | Type::UserArray(_) => DataType::Binary,
            Type::Domain(_) => self.base().layout(),
        }
    }

    /// Whether equal values of this type may have different layouts, so that grouping and
    /// hashing need a canonical form first.
    pub fn needs_canonical_form(self) -> bool {
        matches!(
            self.base(),
            Type::Numeric
                | Type::Interval
                | Type::Bpchar
                | Type::Float4
                | Type::Float8
                | Type::Jsonb
                | Type::Record
                | Type::Composite(_)
        ) || self.is_array()
    }

    /// Whether values can be compared.
    pub fn is_comparable(self) -> bool {
        !matches!(self.element().unwrap_or(self).base(), Type::Json | Type::Jsonpath)
    }

    /// Whether values are rows of fields.
    pub fn is_row(self) -> bool {
        matches!(self, Type::Record | Type::Composite(_))
    }

    /// Whether the values are strings.
    pub fn is_string(self) -> bool {
        self.category() == Category::String || self == Type::Unknown
    }
}

/// A type with its modifier (length, precision and scale), as in pg_attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TypeMod {
    /// The type.
    pub kind: Type,
    /// atttypmod; -1: none.
    pub typmod: i32,
}

/// What PostgreSQL adds to lengths and precisions in a typmod.
const VARHDRSZ: i32 = 4;

impl TypeMod {
    /// The elements of an array, which its modifier is about.
    pub fn element(self) -> Option<TypeMod> {
        self.kind.element().map(|kind| TypeMod { kind, ..self })
    }

    /// A type without modifier.
    pub fn plain(kind: Type) -> TypeMod {
        TypeMod { kind, typmod: -1 }
    }

    /// `varchar(length)` or `char(length)`.
    pub fn with_length(kind: Type, length: u32) -> TypeMod {
        TypeMod { kind, typmod: i32::try_from(length).unwrap_or(i32::MAX - VARHDRSZ) + VARHDRSZ }
    }

    /// `numeric(precision, scale)`.
    pub fn numeric(precision: u32, scale: u32) -> TypeMod {
        let typmod = ((precision << 16) | (scale & 0x7ff)) as i32 + VARHDRSZ;
        TypeMod { kind: Type::Numeric, typmod }
    }

    /// The length of `varchar(n)` or `char(n)`, in characters.
    pub fn length(self) -> Option<usize> {
        (self.typmod >= VARHDRSZ).then(|| (self.typmod - VARHDRSZ) as usize)
    }

    /// Precision and scale of `numeric(p, s)`.
    pub fn precision_scale(self) -> Option<(u32, u32)> {
        (self.typmod >= VARHDRSZ).then(|| {
            let bits = (self.typmod - VARHDRSZ) as u32;
            (bits >> 16, bits & 0x7ff)
        })
    }

    /// Of a domain, what it is over in the end; of others, the same.
    pub fn base(self) -> TypeMod {
        let mut ty = self;
        while let Type::Domain(user) = ty.kind {
            match user.domain_base() {
                Some(base) => ty = base,
                None => break,
            }
        }
        ty
    }

    /// The modifier as clients know it. That of a record tells only the binder something.
    pub fn for_client(self) -> i32 {
        if self.kind == Type::Record { -1 } else { self.typmod }
    }

    /// `format_type(oid, typmod)`.
    pub fn display(self) -> String {
        let name = self.kind.name();
        match self.kind {
            Type::Varchar | Type::Bpchar => match self.length() {
                Some(length) => format!("{name}({length})"),
                None if self.kind == Type::Bpchar => "bpchar".into(),
                None => name.into(),
            },
            Type::Numeric => match self.precision_scale() {
                Some((precision, scale)) => format!("{name}({precision},{scale})"),
                None => name.into(),
            },
            Type::Interval if self.typmod >= 0 => {
                let fields = interval::range::Range::of_typmod(self.typmod).name();
                match interval::range::precision(self.typmod) {
                    Some(digits) => format!("{name}{fields}({digits})"),
                    None => format!("{name}{fields}"),
                }
            }
            Type::Time | Type::Timetz | Type::Timestamp | Type::Timestamptz if self.typmod >= 0 => {
                match name.split_once(' ') {
                    Some((head, tail)) => format!("{head}({}) {tail}", self.typmod),
                    None => name.into(),
                }
            }
            Type::Domain(_) => name.into(),
            _ => match self.element() {
                Some(element) => element.display() + "[]",
                None => name.into(),
            },
        }
    }
}
