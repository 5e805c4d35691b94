//! What DDL names: classes of objects and their names, however the grammar spells them.

use pg_query::protobuf::{Node, ObjectType, RangeVar, RoleSpec, RoleSpecType};
use pg_query::NodeEnum;

use crate::sql::build::Builder;
use crate::sql::names::{self, full_name, strings, RelationName};
use crate::sql::tree::{Access, Name, Target};

/// The class of an object, as it stands in targets and in the names of kinds.
pub fn class_of(object: i32) -> &'static str {
    match ObjectType::try_from(object) {
        Ok(object) => class_name(object),
        Err(_) => "unknown",
    }
}

fn class_name(object: ObjectType) -> &'static str {
    match object {
        ObjectType::Undefined
        | ObjectType::ObjectAmop
        | ObjectType::ObjectAmproc
        | ObjectType::ObjectDefault
        | ObjectType::ObjectDefacl => "unknown",
        ObjectType::ObjectAccessMethod => "access_method",
        ObjectType::ObjectAggregate => "aggregate",
        ObjectType::ObjectAttribute => "attribute",
        ObjectType::ObjectCast => "cast",
        ObjectType::ObjectColumn => "column",
        ObjectType::ObjectCollation => "collation",
        ObjectType::ObjectConversion => "conversion",
        ObjectType::ObjectDatabase => "database",
        ObjectType::ObjectDomain => "domain",
        ObjectType::ObjectDomconstraint => "domain_constraint",
        ObjectType::ObjectEventTrigger => "event_trigger",
        ObjectType::ObjectExtension => "extension",
        ObjectType::ObjectFdw => "foreign_data_wrapper",
        ObjectType::ObjectForeignServer => "server",
        ObjectType::ObjectForeignTable => "foreign_table",
        ObjectType::ObjectFunction => "function",
        ObjectType::ObjectIndex => "index",
        ObjectType::ObjectLanguage => "language",
        ObjectType::ObjectLargeobject => "large_object",
        ObjectType::ObjectMatview => "materialized_view",
        ObjectType::ObjectOpclass => "operator_class",
        ObjectType::ObjectOperator => "operator",
        ObjectType::ObjectOpfamily => "operator_family",
        ObjectType::ObjectParameterAcl => "setting",
        ObjectType::ObjectPolicy => "policy",
        ObjectType::ObjectProcedure => "procedure",
        ObjectType::ObjectPublication | ObjectType::ObjectPublicationNamespace | ObjectType::ObjectPublicationRel => {
            "publication"
        }
        ObjectType::ObjectRole => "role",
        ObjectType::ObjectRoutine => "routine",
        ObjectType::ObjectRule => "rule",
        ObjectType::ObjectSchema => "schema",
        ObjectType::ObjectSequence => "sequence",
        ObjectType::ObjectSubscription => "subscription",
        ObjectType::ObjectStatisticExt => "statistics",
        ObjectType::ObjectTabconstraint => "constraint",
        ObjectType::ObjectTable => "table",
        ObjectType::ObjectTablespace => "tablespace",
        ObjectType::ObjectTransform => "transform",
        ObjectType::ObjectTrigger => "trigger",
        ObjectType::ObjectTsconfiguration => "text_search_configuration",
        ObjectType::ObjectTsdictionary => "text_search_dictionary",
        ObjectType::ObjectTsparser => "text_search_parser",
        ObjectType::ObjectTstemplate => "text_search_template",
        ObjectType::ObjectType => "type",
        ObjectType::ObjectUserMapping => "user_mapping",
        ObjectType::ObjectView => "view",
    }
}

/// Classes whose names are not inside a schema.
const WITHOUT_SCHEMA: [&str; 17] = [
    "access_method",
    "cast",
    "database",
    "event_trigger",
    "extension",
    "foreign_data_wrapper",
    "language",
    "large_object",
    "publication",
    "role",
    "schema",
    "server",
    "setting",
    "subscription",
    "tablespace",
    "transform",
    "user_mapping",
];

/// Classes that are relations, so that the catalog knows them.
const RELATIONS: [&str; 6] = ["table", "view", "materialized_view", "foreign_table", "sequence", "index"];

/// Classes whose name stands behind the table they belong to.
const OF_A_TABLE: [&str; 4] = ["trigger", "rule", "policy", "constraint"];

/// The name of a role, or of what stands for one.
pub fn role_name(role: &RoleSpec) -> Name {
    match RoleSpecType::try_from(role.roletype) {
        Ok(RoleSpecType::RolespecCstring) => Name::from(role.rolename.as_str()),
        Ok(RoleSpecType::RolespecCurrentRole | RoleSpecType::RolespecCurrentUser) => Name::from("current_user"),
        Ok(RoleSpecType::RolespecSessionUser) => Name::from("session_user"),
        Ok(RoleSpecType::RolespecPublic) => Name::from("public"),
        Ok(RoleSpecType::Undefined) | Err(_) => Name::from(names::UNKNOWN),
    }
}

impl<'a> Builder<'a> {
    /// A relation that exists, as a target of the current operation.
    pub fn touch(&mut self, relation: Option<&RangeVar>, class: &'static str, access: Access) -> Option<RelationName> {
        let relation = relation?;
        let (name, _) = names::existing(self.catalog, &relation.schemaname, &relation.relname);
        self.relation(&name.full);
        self.target(name.target(class, access));
        Some(name)
    }

    pub fn touch_each(&mut self, relations: &[Node], class: &'static str, access: Access) {
        for node in relations {
            match node.node.as_ref() {
                Some(NodeEnum::RangeVar(relation)) => {
                    self.touch(Some(relation), class, access);
                }
                Some(other) => self.unknown(crate::sql::query::json::node_name(other)),
                None => {}
            }
        }
    }

    /// A relation that is made.
    pub fn created_relation(&mut self, relation: &RangeVar) -> RelationName {
        let name = names::created(self.catalog, relation);
        if name.is_temporary() {
            self.feature(crate::sql::features::Feature::TempObject);
        }
        self.relation(&name.full);
        name
    }

    /// A name made of parts, as an object of a class.
    pub fn object(&mut self, class: &'static str, parts: &[&str], access: Access) {
        let target = self.object_target(class, parts, access);
        if RELATIONS.contains(&class) {
            self.relation(&target.name.clone());
        }
        self.target(target);
    }

    fn object_target(&self, class: &'static str, parts: &[&str], access: Access) -> Target {
        if OF_A_TABLE.contains(&class) {
            if let [table @ .., name] = parts {
                let (schema, table) = names::schema_and_name(table);
                let (table, _) = names::existing(self.catalog, schema.unwrap_or(""), table);
                let full = names::column_name(&table.full, name);
                return Target {
                    class,
                    name: full,
                    access,
                    schema: table.schema,
                    relation: Some(table.relation),
                    column: None,
                    resolved: table.resolved,
                };
            }
        }
        if WITHOUT_SCHEMA.contains(&class) {
            return Target::plain(class, parts.join("."), access);
        }
        let (schema, name) = names::schema_and_name(parts);
        if RELATIONS.contains(&class) {
            let name = if access == Access::Create {
                let schema = schema.or_else(|| names::creation_schema(self.catalog));
                RelationName {
                    schema: schema.map(Name::from),
                    relation: Name::from(name),
                    full: full_name(schema, name),
                    resolved: false,
                }
            } else {
                names::existing(self.catalog, schema.unwrap_or(""), name).0
            };
            return name.target(class, access);
        }
        let schema = match access {
            Access::Create => schema.or_else(|| names::creation_schema(self.catalog)),
            _ => schema,
        };
        Target { schema: schema.map(Name::from), ..Target::plain(class, full_name(schema, name), access) }
    }

    /// An object as DROP, ALTER and COMMENT write it.
    pub fn object_node(&mut self, class: &'static str, node: Option<&Node>, access: Access) {
        match node.and_then(|node| node.node.as_ref()) {
            Some(NodeEnum::String(name)) => self.object(class, &[&name.sval], access),
            Some(NodeEnum::List(list)) => {
                // A trigger of a domain or a cast's pair of types is a list with other things in it: named as far as it goes.
                let parts = strings(&list.items);
                match list.items.first().and_then(|node| node.node.as_ref()) {
                    Some(NodeEnum::TypeName(first)) => {
                        let parts = strings(&first.names);
                        self.object(class, &parts, access);
                    }
                    _ => self.object(class, &parts, access),
                }
            }
            Some(NodeEnum::TypeName(name)) => {
                let parts = strings(&name.names);
                self.object(class, &parts, access);
            }
            Some(NodeEnum::ObjectWithArgs(object)) => {
                let parts = strings(&object.objname);
                self.object(class, &parts, access);
            }
            Some(NodeEnum::RangeVar(relation)) => {
                self.touch(Some(relation), class, access);
            }
            Some(NodeEnum::RoleSpec(role)) => self.target(Target::plain("role", role_name(role), access)),
            Some(NodeEnum::Float(number)) => self.target(Target::plain(class, number.fval.as_str(), access)),
            Some(NodeEnum::Integer(number)) => self.target(Target::plain(class, number.ival.to_string(), access)),
            Some(other) => self.unknown(crate::sql::query::json::node_name(other)),
            None => {}
        }
    }

    pub fn roles(&mut self, roles: &[Node], access: Access) {
        for node in roles {
            if let Some(NodeEnum::RoleSpec(role)) = node.node.as_ref() {
                self.target(Target::plain("role", role_name(role), access));
            }
        }
    }
}
