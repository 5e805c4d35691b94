//! Other servers and secrets for them: foreign data wrappers, servers, user mappings, subscriptions, publications.

use pg_query::protobuf::{
    AlterFdwStmt, AlterForeignServerStmt, AlterPublicationStmt, AlterSubscriptionStmt, AlterUserMappingStmt,
    CreateFdwStmt, CreateForeignServerStmt, CreatePublicationStmt, CreateSubscriptionStmt, CreateUserMappingStmt,
    DropSubscriptionStmt, DropUserMappingStmt, ImportForeignSchemaStmt, Node, RoleSpec,
};
use pg_query::NodeEnum;

use super::objects::role_name;
use crate::sql::build::Builder;
use crate::sql::features::Feature;
use crate::sql::kinds::Kind;
use crate::sql::names;
use crate::sql::query::rows::over;
use crate::sql::query::scope::Scope;
use crate::sql::tree::{Access, Target, Via};

/// Options whose values are secrets, by what their names contain.
const SECRET: [&str; 6] = ["password", "passwd", "secret", "token", "sslpassword", "key"];

impl<'a> Builder<'a> {
    pub fn create_wrapper(&mut self, create: &CreateFdwStmt) {
        self.operation(Kind::CreateForeignDataWrapper);
        self.target(Target::plain("foreign_data_wrapper", create.fdwname.as_str(), Access::Create));
        self.server_options(&create.options);
    }

    pub fn alter_wrapper(&mut self, alter: &AlterFdwStmt) {
        self.operation(Kind::AlterForeignDataWrapper);
        self.target(Target::plain("foreign_data_wrapper", alter.fdwname.as_str(), Access::Create));
        self.server_options(&alter.options);
    }

    pub fn create_server(&mut self, create: &CreateForeignServerStmt) {
        self.operation(Kind::CreateServer);
        self.target(Target::plain("server", create.servername.as_str(), Access::Create));
        self.server_options(&create.options);
    }

    pub fn alter_server(&mut self, alter: &AlterForeignServerStmt) {
        self.operation(Kind::AlterServer);
        self.target(Target::plain("server", alter.servername.as_str(), Access::Create));
        self.server_options(&alter.options);
    }

    pub fn user_mapping(&mut self, kind: Kind, user: Option<&RoleSpec>, server: &str, options: &[Node]) {
        self.operation(kind);
        let access = if kind == Kind::DropUserMapping { Access::Delete } else { Access::Create };
        self.target(Target::plain("server", server, access));
        if let Some(user) = user {
            self.target(Target::plain("role", role_name(user), access));
        }
        self.server_options(options);
    }

    pub fn create_mapping(&mut self, create: &CreateUserMappingStmt) {
        self.user_mapping(Kind::CreateUserMapping, create.user.as_ref(), &create.servername, &create.options);
    }

    pub fn alter_mapping(&mut self, alter: &AlterUserMappingStmt) {
        self.user_mapping(Kind::AlterUserMapping, alter.user.as_ref(), &alter.servername, &alter.options);
    }

    pub fn drop_mapping(&mut self, drop: &DropUserMappingStmt) {
        self.user_mapping(Kind::DropUserMapping, drop.user.as_ref(), &drop.servername, &[]);
    }

    /// Options of something that reaches another server: secrets and hosts among them.
    pub fn server_options(&mut self, options: &[Node]) {
        self.feature(Feature::NetworkAccess);
        for option in options {
            let Some(NodeEnum::DefElem(option)) = option.node.as_ref() else {
                continue;
            };
            let name = option.defname.to_lowercase();
            if option.arg.is_some() && SECRET.iter().any(|secret| name.contains(secret)) {
                self.feature(Feature::SecretLiteral);
            }
            if matches!(name.as_str(), "host" | "hostaddr") {
                if let Some(host) = option.arg.as_deref().and_then(|node| self.literal(node)) {
                    self.target(Target::plain("host", host, Access::Read));
                }
            }
            if matches!(name.as_str(), "program" | "filename") {
                self.feature(if name == "program" { Feature::ServerProgram } else { Feature::ServerFile });
                if let Some(text) = option.arg.as_deref().and_then(|node| self.literal(node)) {
                    self.target(Target::plain(if name == "program" { "program" } else { "file" }, text, Access::Read));
                }
            }
        }
    }

    pub fn import_schema(&mut self, import: &ImportForeignSchemaStmt) {
        self.operation(Kind::ImportForeignSchema);
        self.feature(Feature::NetworkAccess);
        self.target(Target::plain("server", import.server_name.as_str(), Access::Read));
        self.target(Target::plain("schema", import.local_schema.as_str(), Access::Create));
        for node in &import.table_list {
            if let Some(NodeEnum::RangeVar(table)) = node.node.as_ref() {
                let name = names::full_name(Some(&import.local_schema), &table.relname);
                self.target(Target::plain("foreign_table", name, Access::Create));
            }
        }
        self.server_options(&import.options);
    }

    pub fn create_subscription(&mut self, create: &CreateSubscriptionStmt) {
        self.operation(Kind::CreateSubscription);
        self.target(Target::plain("subscription", create.subname.as_str(), Access::Create));
        self.connection(&create.conninfo);
    }

    pub fn alter_subscription(&mut self, alter: &AlterSubscriptionStmt) {
        self.operation(Kind::AlterSubscription);
        self.target(Target::plain("subscription", alter.subname.as_str(), Access::Create));
        self.connection(&alter.conninfo);
    }

    pub fn drop_subscription(&mut self, drop: &DropSubscriptionStmt) {
        self.operation(Kind::DropSubscription);
        self.feature(Feature::NetworkAccess);
        self.target(Target::plain("subscription", drop.subname.as_str(), Access::Delete));
    }

    fn connection(&mut self, text: &str) {
        self.feature(Feature::NetworkAccess);
        let lowered = text.to_lowercase();
        // `password=` of a keyword string, `user:password@` of a URI.
        let in_uri = lowered
            .split_once("://")
            .and_then(|(_, rest)| rest.split_once('@'))
            .is_some_and(|(user, _)| user.contains(':'));
        if lowered.contains("password") || in_uri {
            self.feature(Feature::SecretLiteral);
        }
    }

    pub fn create_publication(&mut self, create: &CreatePublicationStmt) {
        self.operation(Kind::CreatePublication);
        self.target(Target::plain("publication", create.pubname.as_str(), Access::Create));
        if create.for_all_tables {
            self.target(Target::plain("table", "*", Access::Read));
        }
        self.published(&create.pubobjects);
    }

    pub fn alter_publication(&mut self, alter: &AlterPublicationStmt) {
        self.operation(Kind::AlterPublication);
        self.target(Target::plain("publication", alter.pubname.as_str(), Access::Create));
        self.published(&alter.pubobjects);
    }

    fn published(&mut self, objects: &[Node]) {
        for object in objects {
            let Some(NodeEnum::PublicationObjSpec(object)) = object.node.as_ref() else {
                continue;
            };
            match object.pubtable.as_deref() {
                Some(table) => {
                    if let Some(relation) = &table.relation {
                        let entry = self.table(relation, &Scope::root(), Access::Read);
                        let scope = over(entry);
                        self.within(Via::Where, |b| b.filter(table.where_clause.as_deref(), &scope));
                    }
                }
                None => {
                    let name = if object.name.is_empty() { "current_schema" } else { &object.name };
                    self.target(Target::plain("schema", name, Access::Read));
                }
            }
        }
    }
}
