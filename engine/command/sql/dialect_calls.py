"""Calls in a statement of another server, and what in its tree nobody vouches for.

A function is known by its own name in its vendor's documents (`dialect_functions`); sqlglot knows many more, of other
servers, and there a user's own function may stand. Called by `dialects` alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.tokenizer_core import Token, TokenType

from engine.command.sql.dialect_functions import FUNCTIONS

_NAMELESS = (
    *(exp.Anonymous, exp.AnonymousAggFunc, exp.CombinedAggFunc),
    *(exp.ParameterizedAgg, exp.CombinedParameterizedAgg),
)
_REACHING = tuple(
    value
    for name in (
        *("AIAgg", "AIClassify", "AIEmbed", "AIForecast", "AIGenerate", "AISimilarity", "AISummarizeAgg", "MLForecast"),
        *(
            "MLTranslate",
            "Predict",
            "GenerateEmbedding",
            "GenerateTable",
            "GenerateText",
            "GenerateBool",
            "GenerateInt",
        ),
        *("GenerateDouble", "VectorSearch", "FeaturesAtTime", "ReadCSV", "ReadParquet", "ToFile", "Secret", "Apply"),
        *("DynamicIdentifier", "Columns", "CurrentStatement"),
    )
    if isinstance(value := getattr(exp, name), type)
)
"""Functions that reach a model, a file, or whatever a text names."""

_SHAPE_NAMES = """Add AddConstraint Adjacent Alias Aliases All Alter AlterColumn AlterRename Any AtIndex AtTimeZone AutoIncrementColumnConstraint
    AutoIncrementProperty Between BitString BitwiseAnd BitwiseLeftShift BitwiseNot BitwiseOr BitwiseRightShift BitwiseXor Boolean
    Bracket ByteString CTE Changes CharacterSet CharacterSetColumnConstraint CharacterSetProperty Check CheckColumnConstraint Clone
    Cluster ClusterProperty Connect ClusteredColumnConstraint CollateColumnConstraint CollateProperty Column ColumnConstraint ColumnDef ColumnPosition
    CommentColumnConstraint Commit ComputedColumnConstraint Constraint CopyGrantsProperty Create Cube DPipe DataType DataTypeParam
    DefaultColumnConstraint Delete Describe Distinct Div Dot Drop DropPrimaryKey EQ EngineProperty Escape Except Execute Fetch Filter
    FileFormatProperty ForClause ForeignKey FormatJson From FromTimeZone GT GTE GeneratedAsIdentityColumnConstraint Glob Group GroupingSets Having
    HavingMax HexString Hint HistoricalData ILike Identifier IgnoreNulls In Index IndexColumnConstraint IndexConstraintOption
    IndexParameters IndexTableHint InlineLengthColumnConstraint Insert IntDiv Intersect Interval IntervalOp IntervalSpan Into
    Introducer InvisibleColumnConstraint Is JSON JSONColumnDef JSONExtractQuote JSONKeyValue JSONPath JSONPathFilter JSONPathKey
    JSONPathPart JSONPathRecursive JSONPathRoot JSONPathSelector JSONPathSlice JSONPathSubscript JSONPathUnion JSONPathWildcard
    JSONSchema JSONValue Join JoinHint Kwarg LT LTE Lambda Lateral Like LikeProperty Limit LimitOptions Literal LoadData Lock
    MatchRecognize MatchRecognizeMeasure MaterializedProperty Merge Mod ModifyColumn Mul NEQ National Neg NonClusteredColumnConstraint Not
    NotNullColumnConstraint Null NullSafeEQ NullSafeNEQ Offset OnCondition OnConflict OnProperty OnUpdateColumnConstraint OpenJSONColumnDef Operator
    Order Ordered OverflowTruncateBehavior Overlaps Parameter Paren Partition PartitionedByProperty Pivot PivotAlias PivotAny Placeholder
    PrimaryKey PrimaryKeyColumnConstraint Prior Properties Pseudocolumn Qualify Query QueryOption RangeN RawString Reference
    RenameColumn RespectNulls Returning Rollback Rollup Schema SchemaCommentProperty Select Semicolon SessionParameter Set SetItem
    SetOperation Show SimilarTo Slice Sort Star Sub Subquery Table TableAlias TableColumn TableFromRows TableSample TemporaryProperty
    Transaction TransientProperty TruncateTable Tuple UnicodeString Union UniqueColumnConstraint Update Use Values Var Version When Whens
    Where Window WindowSpec With WithTableHint WithinGroup XMLKeyValueOption"""
_SHAPES = frozenset(_SHAPE_NAMES.split())
"""Shapes of the tree that are known to do nothing but what the statement they stand in does."""


def unknown_shapes(statement: exp.Expr) -> Iterator[str]:
    """Shapes of the tree that nobody vouches for, each once."""
    seen: set[str] = set()
    for node in statement.walk():
        name = type(node).__name__
        is_known = (
            name in _SHAPES
            or (isinstance(node, exp.Func) and not isinstance(node, _REACHING))
            or (isinstance(node, exp.PropertyEQ) and isinstance(node.parent, exp.Struct))
        )
        if isinstance(node, exp.Schema):
            # `INSERT INTO OPENROWSET('...', '...')`: no list of columns.
            is_known = not any(isinstance(item, (exp.Literal, exp.Func)) for item in node.expressions)
        if not is_known and name not in seen:
            seen.add(name)
            yield node.key


def unknown_functions(protocol: str, statement: exp.Expr) -> Iterator[str]:
    """Functions by name that may do anything, in lower case, each once."""
    known = FUNCTIONS[protocol]
    seen: set[str] = set()
    for node in statement.find_all(*_NAMELESS, *_REACHING):
        name = node.name.lower() if isinstance(node, _NAMELESS) else _own_name(node)
        is_of_a_schema = isinstance(node.parent, exp.Dot) and node.parent.expression is node
        is_quoted = isinstance(node.this, exp.Identifier) and bool(node.this.args.get("quoted"))
        if (name not in known or is_of_a_schema or is_quoted or isinstance(node, _REACHING)) and name not in seen:
            seen.add(name)
            yield name


def _own_name(node: exp.Func) -> str:
    return type(node).sql_names()[0].lower().removeprefix("dynamic_")


def foreign_functions(protocol: str, dialect: str, tokens: list[Token]) -> Iterator[str]:
    """Names that sqlglot takes for functions and that are none of this server's own: somebody's own may have them."""
    parser = Dialect.get_or_raise(dialect).parser_class
    known = FUNCTIONS[protocol]
    for token, after in pairwise(tokens):
        name = token.text.lower()
        if after.token_type is not TokenType.L_PAREN or name in known or token.token_type is TokenType.IDENTIFIER:
            continue
        if name.upper() in parser.FUNCTIONS or name.upper() in parser.FUNCTION_PARSERS:
            yield name
