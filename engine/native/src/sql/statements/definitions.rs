//! The rest of DDL: which statement defines, alters or drops what.

use pg_query::protobuf::{
    AlterDomainStmt, AlterObjectSchemaStmt, AlterTableMoveAllStmt, CommentStmt, CreateCastStmt, CreateDomainStmt,
    CreateExtensionStmt, CreateSchemaStmt, CreateStatsStmt, CreateTransformStmt, DefineStmt, DropStmt, ObjectType,
    RenameStmt,
};
use pg_query::NodeEnum;

use super::objects::class_of;
use crate::sql::build::Builder;
use crate::sql::features::Feature;
use crate::sql::kinds::Kind;
use crate::sql::names::strings;
use crate::sql::query::rows::over;
use crate::sql::query::scope::{Columns, Scope};
use crate::sql::tree::{Access, Target, Via};

/// `None`: not one of ours. What is handled here never has a result.
pub type Handled = Option<Option<Columns>>;

impl<'a> Builder<'a> {
    /// Statements that define, alter or drop; `None` for all others.
    pub fn definition_statement(&mut self, node: &NodeEnum) -> Handled {
        match node {
            NodeEnum::CreateStmt(create) => self.create_table(create, Kind::CreateTable, "table"),
            NodeEnum::CreateTableAsStmt(create) => self.create_table_as(create),
            NodeEnum::CreateForeignTableStmt(create) => {
                if let Some(base) = create.base_stmt.as_ref() {
                    self.create_table(base, Kind::CreateForeignTable, "foreign_table");
                }
                self.target(Target::plain("server", create.servername.as_str(), Access::Read));
                self.server_options(&create.options);
            }
            NodeEnum::AlterTableStmt(alter) => self.alter_table(alter),
            NodeEnum::IndexStmt(index) => self.create_index(index),
            NodeEnum::ViewStmt(view) => self.create_view(view),
            NodeEnum::RuleStmt(rule) => self.create_rule(rule),
            NodeEnum::CreateTrigStmt(trigger) => self.create_trigger(trigger),
            NodeEnum::DropStmt(drop) => self.drop_objects(drop),
            NodeEnum::RenameStmt(rename) => self.rename(rename),
            NodeEnum::CreateFunctionStmt(function) => self.create_function(function),
            NodeEnum::CreateDomainStmt(domain) => self.create_domain(domain),
            NodeEnum::AlterDomainStmt(domain) => self.alter_domain(domain),
            NodeEnum::CreateSchemaStmt(schema) => self.create_schema(schema),
            NodeEnum::CreateExtensionStmt(extension) => self.create_extension(extension),
            NodeEnum::CreateStatsStmt(statistics) => self.create_statistics(statistics),
            NodeEnum::DefineStmt(define) => self.define(define),
            NodeEnum::CommentStmt(comment) => self.comment(comment),
            NodeEnum::AlterObjectSchemaStmt(alter) => self.alter_schema_of(alter),
            NodeEnum::AlterTableMoveAllStmt(alter) => self.move_all(alter),
            NodeEnum::CreateCastStmt(cast) => self.create_cast(cast),
            NodeEnum::CreateTransformStmt(transform) => self.create_transform(transform),
            _ => {
                return self
                    .role_statement(node)
                    .or_else(|| self.foreign_statement(node))
                    .or_else(|| self.plain_statement(node))
            }
        }
        Some(Some(Columns::known(Vec::new())))
    }

    fn role_statement(&mut self, node: &NodeEnum) -> Handled {
        match node {
            NodeEnum::GrantStmt(grant) => self.grant(grant),
            NodeEnum::GrantRoleStmt(grant) => self.grant_role(grant),
            NodeEnum::AlterDefaultPrivilegesStmt(alter) => self.default_privileges(alter),
            NodeEnum::CreateRoleStmt(create) => self.create_role(create),
            NodeEnum::AlterRoleStmt(alter) => self.alter_role(alter),
            NodeEnum::DropRoleStmt(drop) => self.drop_role(drop),
            NodeEnum::DropOwnedStmt(drop) => self.drop_owned(drop),
            NodeEnum::ReassignOwnedStmt(reassign) => self.reassign_owned(reassign),
            NodeEnum::AlterOwnerStmt(alter) => self.alter_owner(alter),
            NodeEnum::SecLabelStmt(label) => self.security_label(label),
            NodeEnum::CreatePolicyStmt(policy) => self.create_policy(policy),
            NodeEnum::AlterPolicyStmt(policy) => self.alter_policy(policy),
            _ => return None,
        }
        Some(Some(Columns::known(Vec::new())))
    }

    fn foreign_statement(&mut self, node: &NodeEnum) -> Handled {
        match node {
            NodeEnum::CreateFdwStmt(create) => self.create_wrapper(create),
            NodeEnum::AlterFdwStmt(alter) => self.alter_wrapper(alter),
            NodeEnum::CreateForeignServerStmt(create) => self.create_server(create),
            NodeEnum::AlterForeignServerStmt(alter) => self.alter_server(alter),
            NodeEnum::CreateUserMappingStmt(create) => self.create_mapping(create),
            NodeEnum::AlterUserMappingStmt(alter) => self.alter_mapping(alter),
            NodeEnum::DropUserMappingStmt(drop) => self.drop_mapping(drop),
            NodeEnum::ImportForeignSchemaStmt(import) => self.import_schema(import),
            NodeEnum::CreateSubscriptionStmt(create) => self.create_subscription(create),
            NodeEnum::AlterSubscriptionStmt(alter) => self.alter_subscription(alter),
            NodeEnum::DropSubscriptionStmt(drop) => self.drop_subscription(drop),
            NodeEnum::CreatePublicationStmt(create) => self.create_publication(create),
            NodeEnum::AlterPublicationStmt(alter) => self.alter_publication(alter),
            _ => return None,
        }
        Some(Some(Columns::known(Vec::new())))
    }

    fn drop_objects(&mut self, drop: &DropStmt) {
        let class = class_of(drop.remove_type);
        let kind = Kind::of("drop", class);
        self.operation(kind);
        if kind == Kind::Unknown {
            self.incomplete();
        }
        for object in &drop.objects {
            self.object_node(class, Some(object), Access::Delete);
        }
    }

    fn rename(&mut self, rename: &RenameStmt) {
        let object = ObjectType::try_from(rename.rename_type);
        // Renaming a part is altering the whole.
        let class = match object {
            Ok(ObjectType::ObjectColumn | ObjectType::ObjectAttribute) => class_of(rename.relation_type),
            Ok(ObjectType::ObjectTabconstraint) => "table",
            Ok(ObjectType::ObjectDomconstraint) => "domain",
            _ => class_of(rename.rename_type),
        };
        self.operation(Kind::of("alter", class));
        match &rename.relation {
            Some(relation) => {
                let (name, _) = crate::sql::names::existing(self.catalog, &relation.schemaname, &relation.relname);
                self.touch(Some(relation), class, Access::Create);
                if object == Ok(ObjectType::ObjectColumn) {
                    self.target(name.column_target(&rename.subname, Access::Create));
                }
                if object == Ok(ObjectType::ObjectTabconstraint) {
                    let full = crate::sql::names::column_name(&name.full, &rename.subname);
                    self.target(Target::plain("constraint", full, Access::Create));
                }
            }
            None if rename.object.is_some() => self.object_node(class, rename.object.as_deref(), Access::Create),
            None => self.target(Target::plain(class, rename.subname.as_str(), Access::Create)),
        }
        self.target(Target::plain("new_name", rename.newname.as_str(), Access::Create));
    }

    fn create_domain(&mut self, domain: &CreateDomainStmt) {
        self.named(Kind::CreateDomain, "domain", &domain.domainname, Access::Create);
        self.type_name(domain.type_name.as_ref());
        for constraint in &domain.constraints {
            if let Some(NodeEnum::Constraint(constraint)) = constraint.node.as_ref() {
                self.domain_constraint(constraint);
            }
        }
    }

    fn alter_domain(&mut self, domain: &AlterDomainStmt) {
        self.named(Kind::AlterDomain, "domain", &domain.type_name, Access::Create);
        if domain.subtype == "X" {
            self.within(Via::Alter, |b| {
                b.operation(Kind::DropConstraint);
                b.target(Target::plain("constraint", domain.name.as_str(), Access::Delete));
            });
        }
        match domain.def.as_deref().and_then(|node| node.node.as_ref()) {
            Some(NodeEnum::Constraint(constraint)) => self.domain_constraint(constraint),
            Some(_) => {
                self.within(Via::Default, |b| b.optional(domain.def.as_deref(), &value_scope()));
            }
            None => {}
        }
    }

    fn domain_constraint(&mut self, constraint: &pg_query::protobuf::Constraint) {
        self.constraint(constraint, &value_scope());
    }

    /// CREATE SCHEMA with what is made inside it.
    fn create_schema(&mut self, schema: &CreateSchemaStmt) {
        self.operation(Kind::CreateSchema);
        let role = schema.authrole.as_ref().map(super::objects::role_name);
        let name =
            if schema.schemaname.is_empty() { role.as_deref().unwrap_or("current_user") } else { &schema.schemaname };
        self.target(Target::plain("schema", name, Access::Create));
        if let Some(role) = role.clone() {
            self.target(Target::plain("role", role, Access::Grant));
        }
        for element in &schema.schema_elts {
            if let Some(node) = element.node.as_ref() {
                self.within(Via::Schema, |b| b.statement_node(node));
            }
        }
    }

    fn create_extension(&mut self, extension: &CreateExtensionStmt) {
        self.text_named(Kind::CreateExtension, "extension", &extension.extname, Access::Create);
        // Its script runs as whoever installs it.
        self.feature(Feature::OpaqueCode);
    }

    fn create_statistics(&mut self, statistics: &CreateStatsStmt) {
        self.operation(Kind::CreateStatistics);
        if !statistics.defnames.is_empty() {
            self.object("statistics", &strings(&statistics.defnames), Access::Create);
        }
        let mut scope = Scope::root();
        self.from_clause(&statistics.relations, &mut scope);
        for element in &statistics.exprs {
            if let Some(NodeEnum::StatsElem(element)) = element.node.as_ref() {
                self.filter(element.expr.as_deref(), &scope);
            }
        }
    }

    /// CREATE AGGREGATE, OPERATOR, TYPE, COLLATION, TEXT SEARCH ...
    fn define(&mut self, define: &DefineStmt) {
        let class = class_of(define.kind);
        let kind = Kind::of("create", class);
        self.operation(kind);
        if kind == Kind::Unknown {
            self.incomplete();
        }
        self.object(class, &strings(&define.defnames), Access::Create);
    }

    fn comment(&mut self, comment: &CommentStmt) {
        self.operation(Kind::Comment);
        if ObjectType::try_from(comment.objtype) == Ok(ObjectType::ObjectColumn) {
            self.column_object(comment.object.as_deref(), Access::Create);
        } else {
            self.object_node(class_of(comment.objtype), comment.object.as_deref(), Access::Create);
        }
    }

    fn alter_schema_of(&mut self, alter: &AlterObjectSchemaStmt) {
        let class = class_of(alter.object_type);
        self.operation(Kind::of("alter", class));
        match &alter.relation {
            Some(relation) => {
                self.touch(Some(relation), class, Access::Create);
            }
            None => self.object_node(class, alter.object.as_deref(), Access::Create),
        }
        self.target(Target::plain("schema", alter.newschema.as_str(), Access::Create));
    }

    fn move_all(&mut self, alter: &AlterTableMoveAllStmt) {
        self.operation(Kind::of("alter", class_of(alter.objtype)));
        self.target(Target::plain("tablespace", alter.orig_tablespacename.as_str(), Access::Set));
        self.target(Target::plain("tablespace", alter.new_tablespacename.as_str(), Access::Set));
        self.roles(&alter.roles, Access::Set);
    }

    fn create_cast(&mut self, cast: &CreateCastStmt) {
        self.operation(Kind::CreateCast);
        self.type_name(cast.sourcetype.as_ref());
        self.type_name(cast.targettype.as_ref());
        if let Some(function) = &cast.func {
            self.object("function", &strings(&function.objname), Access::Execute);
        }
    }

    fn create_transform(&mut self, transform: &CreateTransformStmt) {
        self.operation(Kind::CreateTransform);
        self.type_name(transform.type_name.as_ref());
        for function in [&transform.fromsql, &transform.tosql].into_iter().flatten() {
            self.object("function", &strings(&function.objname), Access::Execute);
        }
    }
}

/// A domain's checks speak of VALUE only.
fn value_scope<'c>() -> Scope<'c, 'c> {
    use crate::sql::query::flow::Flow;
    use crate::sql::query::scope::{Column, Columns, Entry, Source};
    let value = Column { name: "value".into(), flow: Flow::constant() };
    over(Entry::new("".into(), Source::Columns(std::rc::Rc::new(Columns::known(vec![value])))))
}
