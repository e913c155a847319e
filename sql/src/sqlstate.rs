//! The SQLSTATE codes in use, each named as in PostgreSQL's appendix A.

macro_rules! sqlstates {
    ($($name:ident = $code:literal,)*) => {
        /// A five-character error code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "the names are PostgreSQL's")]
        pub enum SqlState { $($name,)* }

        impl SqlState {
            /// The code as it goes over the wire.
            pub fn code(self) -> &'static str {
                match self { $(SqlState::$name => $code,)* }
            }
        }
    };
}

sqlstates! {
    SuccessfulCompletion = "00000",
    Warning = "01000",
    ProtocolViolation = "08P01",
    FeatureNotSupported = "0A000",
    CardinalityViolation = "21000",
    DataException = "22000",
    StringDataRightTruncation = "22001",
    NumericValueOutOfRange = "22003",
    InvalidDatetimeFormat = "22007",
    DatetimeFieldOverflow = "22008",
    DivisionByZero = "22012",
    IntervalFieldOverflow = "22015",
    ArraySubscriptError = "2202E",
    InvalidArgumentForLogarithm = "2201E",
    InvalidArgumentForPowerFunction = "2201F",
    InvalidRowCountInLimitClause = "2201W",
    InvalidRowCountInResultOffsetClause = "2201X",
    CharacterNotInRepertoire = "22021",
    NullValueNotAllowed = "22004",
    InvalidParameterValue = "22023",
    InvalidEscapeSequence = "22025",
    InvalidRegularExpression = "2201B",
    SubstringError = "22011",
    InvalidTextRepresentation = "22P02",
    UntranslatableCharacter = "22P05",
    InvalidBinaryRepresentation = "22P03",
    BadCopyFileFormat = "22P04",
    SequenceGeneratorLimitExceeded = "2200H",
    NotNullViolation = "23502",
    UniqueViolation = "23505",
    ActiveSqlTransaction = "25001",
    ReadOnlySqlTransaction = "25006",
    NoActiveSqlTransaction = "25P01",
    InFailedSqlTransaction = "25P02",
    IdleInTransactionSessionTimeout = "25P03",
    InvalidSqlStatementName = "26000",
    InvalidAuthorizationSpecification = "28000",
    DependentObjectsStillExist = "2BP01",
    InvalidCursorName = "34000",
    InvalidSavepointSpecification = "3B001",
    InvalidCatalogName = "3D000",
    InvalidSchemaName = "3F000",
    SerializationFailure = "40001",
    DeadlockDetected = "40P01",
    SyntaxError = "42601",
    NameTooLong = "42622",
    InsufficientPrivilege = "42501",
    UndefinedColumn = "42703",
    UndefinedFunction = "42883",
    UndefinedTable = "42P01",
    UndefinedParameter = "42P02",
    UndefinedObject = "42704",
    DuplicateColumn = "42701",
    DuplicateCursor = "42P03",
    DuplicatePreparedStatement = "42P05",
    DuplicateTable = "42P07",
    DuplicateAlias = "42712",
    AmbiguousColumn = "42702",
    AmbiguousFunction = "42725",
    InvalidColumnReference = "42P10",
    InvalidColumnDefinition = "42611",
    InvalidTableDefinition = "42P16",
    InvalidObjectDefinition = "42P17",
    GroupingError = "42803",
    WindowingError = "42P20",
    DatatypeMismatch = "42804",
    WrongObjectType = "42809",
    CannotCoerce = "42846",
    GeneratedAlways = "428C9",
    IndeterminateDatatype = "42P18",
    ProgramLimitExceeded = "54000",
    StatementTooComplex = "54001",
    TooManyColumns = "54011",
    TooManyArguments = "54023",
    OutOfMemory = "53200",
    TooManyConnections = "53300",
    CantChangeRuntimeParam = "55P02",
    ObjectNotInPrerequisiteState = "55000",
    LockNotAvailable = "55P03",
    QueryCanceled = "57014",
    AdminShutdown = "57P01",
    IoError = "58030",
    InternalError = "XX000",
    DataCorrupted = "XX001",
}
