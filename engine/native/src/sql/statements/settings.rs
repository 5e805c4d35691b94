//! Settings (SET, RESET, set_config, ALTER ROLE/DATABASE/SYSTEM SET): which ones change what later texts mean.

use pg_query::protobuf::{
    AlterDatabaseSetStmt, AlterRoleSetStmt, AlterSystemStmt, Node, VariableSetKind, VariableSetStmt, VariableShowStmt,
};
use pg_query::NodeEnum;

use super::objects::role_name;
use crate::sql::build::Builder;
use crate::sql::features::Feature;
use crate::sql::kinds::Kind;
use crate::sql::query::flow::Flow;
use crate::sql::query::scope::{Column, Columns};
use crate::sql::tree::{Access, Name, Target};

/// Settings that decide how the server reads the bytes of a text.
const LEXER: [&str; 6] = [
    "standard_conforming_strings",
    "backslash_quote",
    "escape_string_warning",
    "client_encoding",
    "names",
    "array_nulls",
];

/// Settings that change which rights the session has.
const ROLE: [&str; 4] = ["role", "session_authorization", "is_superuser", "local_preload_libraries"];

/// Settings that switch off what protects rows.
const TRIGGERS: [&str; 2] = ["session_replication_role", "ignore_checksum_failure"];

/// Settings of the server that run programs or load libraries.
const PROGRAMS: [&str; 12] = [
    "archive_command",
    "archive_cleanup_command",
    "archive_library",
    "dynamic_library_path",
    "extension_control_path",
    "jit_provider",
    "recovery_end_command",
    "restore_command",
    "session_preload_libraries",
    "shared_preload_libraries",
    "ssl_passphrase_command",
    "oauth_validator_libraries",
];

impl<'a> Builder<'a> {
    /// A setting changes: what that means for this and later commands.
    pub fn setting_changed(&mut self, name: &str) {
        self.note_setting(name);
        self.aside(|b| b.setting_target(name));
    }

    fn setting_target(&mut self, name: &str) {
        if self.quiet == 0 {
            if let Some(last) = self.tree.operations.last_mut() {
                last.targets.push(Target::plain("setting", name, Access::Set));
            }
        }
    }

    fn note_setting(&mut self, name: &str) {
        if LEXER.contains(&name) {
            self.feature(Feature::LexerSetting);
        }
        if ROLE.contains(&name) {
            self.feature(Feature::RoleChange);
        }
        if name == "search_path" {
            self.feature(Feature::SearchPath);
        }
        if name == "row_security" {
            self.feature(Feature::RowSecurityChange);
        }
        if TRIGGERS.contains(&name) {
            self.feature(Feature::TriggerBypass);
        }
        if PROGRAMS.contains(&name) {
            self.feature(Feature::ServerProgram);
        }
    }

    pub fn set(&mut self, set: &VariableSetStmt) {
        // Setting names fold; the grammar keeps what stood in quotes.
        let name = set.name.to_lowercase();
        let kind = VariableSetKind::try_from(set.kind);
        let is_reset = matches!(kind, Ok(VariableSetKind::VarReset | VariableSetKind::VarResetAll));
        let operation = match name.as_str() {
            "role" | "session_authorization" => Kind::SetRole,
            "transaction" | "session characteristics" | "transaction snapshot" | "transaction_isolation"
                if !is_reset =>
            {
                Kind::SetTransaction
            }
            _ if is_reset => Kind::Reset,
            _ => Kind::Set,
        };
        self.operation(operation);
        self.setting(set);
        if operation == Kind::SetTransaction {
            self.feature(Feature::TransactionControl);
        }
    }

    /// The setting of a SET or RESET clause, as a target and as features.
    pub fn setting(&mut self, set: &VariableSetStmt) {
        let kind = VariableSetKind::try_from(set.kind);
        if kind == Ok(VariableSetKind::VarResetAll) {
            self.target(Target::plain("setting", "all", Access::Set));
            for feature in [Feature::LexerSetting, Feature::SearchPath] {
                self.feature(feature);
            }
            return;
        }
        let name = set.name.to_lowercase();
        self.note_setting(&name);
        self.target(Target::plain("setting", name.as_str(), Access::Set));
        if matches!(name.as_str(), "role" | "session_authorization") {
            if let Some(role) = set.args.first().and_then(|node| self.literal(constant(node))) {
                self.target(Target::plain("role", role, Access::Set));
            }
        }
    }

    pub fn show(&mut self, show: &VariableShowStmt) -> Columns {
        self.operation(Kind::Show);
        self.target(Target::plain("setting", show.name.to_lowercase(), Access::Read));
        if show.name.eq_ignore_ascii_case("all") {
            let names = ["name", "setting", "description"];
            return Columns::known(
                names.iter().map(|name| Column { name: Name::from(*name), flow: Flow::constant() }).collect(),
            );
        }
        Columns::known(vec![Column { name: Name::from(show.name.as_str()), flow: Flow::constant() }])
    }

    pub fn alter_system(&mut self, alter: &AlterSystemStmt) {
        self.operation(Kind::AlterSystem);
        self.feature(Feature::ServerAdmin);
        if let Some(set) = &alter.setstmt {
            self.setting(set);
        }
    }

    pub fn alter_database_setting(&mut self, alter: &AlterDatabaseSetStmt) {
        self.operation(Kind::AlterDatabaseSetting);
        self.target(Target::plain("database", alter.dbname.as_str(), Access::Set));
        if let Some(set) = &alter.setstmt {
            self.setting(set);
        }
    }

    pub fn alter_role_setting(&mut self, alter: &AlterRoleSetStmt) {
        self.operation(Kind::AlterRoleSetting);
        let role = alter.role.as_ref().map_or_else(|| Name::from("all"), role_name);
        self.target(Target::plain("role", role, Access::Set));
        if !alter.database.is_empty() {
            self.target(Target::plain("database", alter.database.as_str(), Access::Set));
        }
        if let Some(set) = &alter.setstmt {
            self.setting(set);
        }
    }
}

/// The constant of a SET argument.
fn constant(node: &Node) -> &Node {
    match node.node.as_ref() {
        Some(NodeEnum::TypeCast(cast)) => cast.arg.as_deref().unwrap_or(node),
        _ => node,
    }
}
