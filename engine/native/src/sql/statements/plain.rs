//! DDL that names one object and holds nothing that runs.

use pg_query::protobuf::Node;
use pg_query::NodeEnum;

use super::definitions::Handled;
use super::objects::class_of;
use crate::sql::build::Builder;
use crate::sql::features::Feature;
use crate::sql::kinds::Kind;
use crate::sql::names::strings;
use crate::sql::query::scope::{Columns, Scope};
use crate::sql::tree::{Access, Target};

impl<'a> Builder<'a> {
    /// Statements that only name one object.
    pub fn plain_statement(&mut self, node: &NodeEnum) -> Handled {
        use Access::{Create, Delete};
        match node {
            NodeEnum::CreateSeqStmt(create) => {
                self.operation(Kind::CreateSequence);
                if let Some(relation) = &create.sequence {
                    let name = self.created_relation(relation);
                    self.target(name.target("sequence", Create));
                }
            }
            NodeEnum::AlterSeqStmt(alter) => {
                self.operation(Kind::AlterSequence);
                self.touch(alter.sequence.as_ref(), "sequence", Create);
            }
            NodeEnum::CompositeTypeStmt(create) => {
                self.operation(Kind::CreateType);
                if let Some(relation) = &create.typevar {
                    let parts = [relation.schemaname.as_str(), relation.relname.as_str()];
                    self.object(
                        "type",
                        if relation.schemaname.is_empty() { parts.get(1..).unwrap_or(&[]) } else { &parts },
                        Create,
                    );
                }
                for column in &create.coldeflist {
                    if let Some(NodeEnum::ColumnDef(column)) = column.node.as_ref() {
                        self.column_definition(column, &Scope::root());
                    }
                }
            }
            NodeEnum::CreateEnumStmt(create) => self.named(Kind::CreateType, "type", &create.type_name, Create),
            NodeEnum::CreateRangeStmt(create) => self.named(Kind::CreateType, "type", &create.type_name, Create),
            NodeEnum::AlterEnumStmt(alter) => self.named(Kind::AlterType, "type", &alter.type_name, Create),
            NodeEnum::AlterTypeStmt(alter) => self.named(Kind::AlterType, "type", &alter.type_name, Create),
            NodeEnum::AlterCollationStmt(alter) => {
                self.named(Kind::AlterCollation, "collation", &alter.collname, Create)
            }
            NodeEnum::AlterStatsStmt(alter) => self.named(Kind::AlterStatistics, "statistics", &alter.defnames, Create),
            NodeEnum::CreateConversionStmt(create) => {
                self.named(Kind::CreateConversion, "conversion", &create.conversion_name, Create)
            }
            NodeEnum::CreateOpClassStmt(create) => {
                self.named(Kind::CreateOperatorClass, "operator_class", &create.opclassname, Create)
            }
            NodeEnum::CreateOpFamilyStmt(create) => {
                self.named(Kind::CreateOperatorFamily, "operator_family", &create.opfamilyname, Create)
            }
            NodeEnum::AlterOpFamilyStmt(alter) => {
                self.named(Kind::AlterOperatorFamily, "operator_family", &alter.opfamilyname, Create)
            }
            NodeEnum::AlterTsconfigurationStmt(alter) => {
                self.named(Kind::AlterTextSearchConfiguration, "text_search_configuration", &alter.cfgname, Create)
            }
            NodeEnum::AlterTsdictionaryStmt(alter) => {
                self.named(Kind::AlterTextSearchDictionary, "text_search_dictionary", &alter.dictname, Create)
            }
            NodeEnum::AlterOperatorStmt(alter) => {
                self.operation(Kind::AlterOperator);
                if let Some(operator) = &alter.opername {
                    self.object("operator", &strings(&operator.objname), Create);
                }
            }
            NodeEnum::AlterFunctionStmt(alter) => {
                let class = class_of(alter.objtype);
                self.operation(Kind::of("alter", class));
                if let Some(function) = &alter.func {
                    self.object(class, &strings(&function.objname), Create);
                }
                self.function_options(&alter.actions);
            }
            NodeEnum::CreateAmStmt(create) => {
                self.text_named(Kind::CreateAccessMethod, "access_method", &create.amname, Create);
                self.object("function", &strings(&create.handler_name), Access::Execute);
            }
            NodeEnum::CreatePlangStmt(create) => {
                self.text_named(Kind::CreateLanguage, "language", &create.plname, Create)
            }
            NodeEnum::CreateEventTrigStmt(create) => {
                self.text_named(Kind::CreateEventTrigger, "event_trigger", &create.trigname, Create);
                self.object("function", &strings(&create.funcname), Access::Execute);
            }
            NodeEnum::AlterEventTrigStmt(alter) => {
                self.text_named(Kind::AlterEventTrigger, "event_trigger", &alter.trigname, Create)
            }
            NodeEnum::CreateTableSpaceStmt(create) => {
                self.text_named(Kind::CreateTablespace, "tablespace", &create.tablespacename, Create);
                self.target(Target::plain("file", create.location.as_str(), Create));
                self.feature(Feature::ServerFile);
            }
            NodeEnum::DropTableSpaceStmt(drop) => {
                self.text_named(Kind::DropTablespace, "tablespace", &drop.tablespacename, Delete)
            }
            NodeEnum::AlterTableSpaceOptionsStmt(alter) => {
                self.text_named(Kind::AlterTablespace, "tablespace", &alter.tablespacename, Create)
            }
            NodeEnum::CreatedbStmt(create) => self.text_named(Kind::CreateDatabase, "database", &create.dbname, Create),
            NodeEnum::DropdbStmt(drop) => self.text_named(Kind::DropDatabase, "database", &drop.dbname, Delete),
            NodeEnum::AlterDatabaseStmt(alter) => {
                self.text_named(Kind::AlterDatabase, "database", &alter.dbname, Create)
            }
            NodeEnum::AlterDatabaseRefreshCollStmt(alter) => {
                self.text_named(Kind::AlterDatabase, "database", &alter.dbname, Create)
            }
            NodeEnum::AlterExtensionStmt(alter) => {
                self.text_named(Kind::AlterExtension, "extension", &alter.extname, Create)
            }
            NodeEnum::AlterExtensionContentsStmt(alter) => {
                self.text_named(Kind::AlterExtension, "extension", &alter.extname, Create);
                self.object_node(class_of(alter.objtype), alter.object.as_deref(), Access::Set);
            }
            NodeEnum::AlterObjectDependsStmt(alter) => {
                let class = class_of(alter.object_type);
                self.operation(Kind::of("alter", class));
                match &alter.relation {
                    Some(relation) => {
                        self.touch(Some(relation), class, Create);
                    }
                    None => self.object_node(class, alter.object.as_deref(), Create),
                }
            }
            _ => return None,
        }
        Some(Some(Columns::known(Vec::new())))
    }

    pub fn named(&mut self, kind: Kind, class: &'static str, name: &[Node], access: Access) {
        self.operation(kind);
        self.object(class, &strings(name), access);
    }

    pub fn text_named(&mut self, kind: Kind, class: &'static str, name: &str, access: Access) {
        self.operation(kind);
        self.target(Target::plain(class, name, access));
    }
}
