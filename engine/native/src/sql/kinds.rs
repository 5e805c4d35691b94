//! The closed set of kinds of SQL operations, each with the effect it has when nothing makes it graver.
//!
//! `engine/command/sql/kinds.py` says what each means; a test holds the two together. docs/commands.md is made from it.

use super::tree::Effect;

macro_rules! kinds {
    ($($variant:ident $word:literal $effect:ident,)*) => {
        /// What an operation is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind { $($variant),* }

        impl Kind {
            pub const ALL: &'static [Kind] = &[$(Kind::$variant),*];

            pub fn as_str(self) -> &'static str {
                match self { $(Kind::$variant => $word),* }
            }

            /// The effect where nothing makes it graver.
            pub fn effect(self) -> Effect {
                match self { $(Kind::$variant => Effect::$effect),* }
            }
        }
    };
}

kinds! {
    Unknown "unknown" Unknown,
    Empty "empty" Read,
    Select "select" Read,
    SelectForUpdate "select_for_update" Write,
    SelectInto "select_into" Write,
    Insert "insert" Write,
    Update "update" Write,
    Delete "delete" Delete,
    Merge "merge" Write,
    Truncate "truncate" Delete,
    CallFunction "call_function" Execute,
    Call "call" Execute,
    Do "do" Execute,
    CopyFrom "copy_from" Write,
    CopyTo "copy_to" Read,
    CopyFromFile "copy_from_file" Execute,
    CopyToFile "copy_to_file" Execute,
    CopyFromProgram "copy_from_program" Execute,
    CopyToProgram "copy_to_program" Execute,
    Explain "explain" Read,
    ExplainAnalyze "explain_analyze" Read,
    Prepare "prepare" Session,
    ExecutePrepared "execute_prepared" Execute,
    Deallocate "deallocate" Session,
    DeclareCursor "declare_cursor" Session,
    Fetch "fetch" Read,
    Move "move" Session,
    CloseCursor "close_cursor" Session,
    Begin "begin" Session,
    Commit "commit" Session,
    Rollback "rollback" Session,
    Savepoint "savepoint" Session,
    ReleaseSavepoint "release_savepoint" Session,
    RollbackToSavepoint "rollback_to_savepoint" Session,
    PrepareTransaction "prepare_transaction" Session,
    CommitPrepared "commit_prepared" Session,
    RollbackPrepared "rollback_prepared" Session,
    Set "set" Session,
    Reset "reset" Session,
    SetRole "set_role" Session,
    SetTransaction "set_transaction" Session,
    SetConstraints "set_constraints" Session,
    Show "show" Session,
    Discard "discard" Session,
    Lock "lock" Session,
    Listen "listen" Session,
    Unlisten "unlisten" Session,
    Notify "notify" Session,
    Vacuum "vacuum" Session,
    Analyze "analyze" Session,
    Cluster "cluster" Session,
    Reindex "reindex" Session,
    Checkpoint "checkpoint" Session,
    RefreshMaterializedView "refresh_materialized_view" Write,
    Load "load" Execute,
    Grant "grant" Grant,
    Revoke "revoke" Grant,
    GrantRole "grant_role" Grant,
    RevokeRole "revoke_role" Grant,
    AlterDefaultPrivileges "alter_default_privileges" Grant,
    AlterOwner "alter_owner" Grant,
    ReassignOwned "reassign_owned" Grant,
    SecurityLabel "security_label" Grant,
    Comment "comment" Create,
    CreateTableAs "create_table_as" Create,
    ImportForeignSchema "import_foreign_schema" Create,
    AlterSystem "alter_system" Create,
    AlterDatabaseSetting "alter_database_setting" Create,
    AlterRoleSetting "alter_role_setting" Grant,
    AlterConstraint "alter_constraint" Create,
    AlterLargeObject "alter_large_object" Create,
    DropColumn "drop_column" Delete,
    DropConstraint "drop_constraint" Delete,
    DetachPartition "detach_partition" Create,
    DropOwned "drop_owned" Delete,
    CreateAccessMethod "create_access_method" Create,
    CreateAggregate "create_aggregate" Create,
    CreateCast "create_cast" Create,
    CreateCollation "create_collation" Create,
    CreateConversion "create_conversion" Create,
    CreateDatabase "create_database" Create,
    CreateDomain "create_domain" Create,
    CreateEventTrigger "create_event_trigger" Create,
    CreateExtension "create_extension" Create,
    CreateForeignDataWrapper "create_foreign_data_wrapper" Create,
    CreateForeignTable "create_foreign_table" Create,
    CreateFunction "create_function" Create,
    CreateIndex "create_index" Create,
    CreateLanguage "create_language" Create,
    CreateMaterializedView "create_materialized_view" Create,
    CreateOperator "create_operator" Create,
    CreateOperatorClass "create_operator_class" Create,
    CreateOperatorFamily "create_operator_family" Create,
    CreatePolicy "create_policy" Grant,
    CreateProcedure "create_procedure" Create,
    CreatePublication "create_publication" Create,
    CreateRole "create_role" Grant,
    CreateRule "create_rule" Create,
    CreateSchema "create_schema" Create,
    CreateSequence "create_sequence" Create,
    CreateServer "create_server" Create,
    CreateStatistics "create_statistics" Create,
    CreateSubscription "create_subscription" Create,
    CreateTable "create_table" Create,
    CreateTablespace "create_tablespace" Create,
    CreateTextSearchConfiguration "create_text_search_configuration" Create,
    CreateTextSearchDictionary "create_text_search_dictionary" Create,
    CreateTextSearchParser "create_text_search_parser" Create,
    CreateTextSearchTemplate "create_text_search_template" Create,
    CreateTransform "create_transform" Create,
    CreateTrigger "create_trigger" Create,
    CreateType "create_type" Create,
    CreateUserMapping "create_user_mapping" Create,
    CreateView "create_view" Create,
    AlterAggregate "alter_aggregate" Create,
    AlterCollation "alter_collation" Create,
    AlterConversion "alter_conversion" Create,
    AlterDatabase "alter_database" Create,
    AlterDomain "alter_domain" Create,
    AlterEventTrigger "alter_event_trigger" Create,
    AlterExtension "alter_extension" Create,
    AlterForeignDataWrapper "alter_foreign_data_wrapper" Create,
    AlterForeignTable "alter_foreign_table" Create,
    AlterFunction "alter_function" Create,
    AlterIndex "alter_index" Create,
    AlterLanguage "alter_language" Create,
    AlterMaterializedView "alter_materialized_view" Create,
    AlterOperator "alter_operator" Create,
    AlterOperatorClass "alter_operator_class" Create,
    AlterOperatorFamily "alter_operator_family" Create,
    AlterPolicy "alter_policy" Grant,
    AlterProcedure "alter_procedure" Create,
    AlterPublication "alter_publication" Create,
    AlterRole "alter_role" Grant,
    AlterRoutine "alter_routine" Create,
    AlterRule "alter_rule" Create,
    AlterSchema "alter_schema" Create,
    AlterSequence "alter_sequence" Create,
    AlterServer "alter_server" Create,
    AlterStatistics "alter_statistics" Create,
    AlterSubscription "alter_subscription" Create,
    AlterTable "alter_table" Create,
    AlterTablespace "alter_tablespace" Create,
    AlterTextSearchConfiguration "alter_text_search_configuration" Create,
    AlterTextSearchDictionary "alter_text_search_dictionary" Create,
    AlterTextSearchParser "alter_text_search_parser" Create,
    AlterTextSearchTemplate "alter_text_search_template" Create,
    AlterTrigger "alter_trigger" Create,
    AlterType "alter_type" Create,
    AlterUserMapping "alter_user_mapping" Create,
    AlterView "alter_view" Create,
    DropAccessMethod "drop_access_method" Delete,
    DropAggregate "drop_aggregate" Delete,
    DropCast "drop_cast" Delete,
    DropCollation "drop_collation" Delete,
    DropConversion "drop_conversion" Delete,
    DropDatabase "drop_database" Delete,
    DropDomain "drop_domain" Delete,
    DropEventTrigger "drop_event_trigger" Delete,
    DropExtension "drop_extension" Delete,
    DropForeignDataWrapper "drop_foreign_data_wrapper" Delete,
    DropForeignTable "drop_foreign_table" Delete,
    DropFunction "drop_function" Delete,
    DropIndex "drop_index" Delete,
    DropLanguage "drop_language" Delete,
    DropMaterializedView "drop_materialized_view" Delete,
    DropOperator "drop_operator" Delete,
    DropOperatorClass "drop_operator_class" Delete,
    DropOperatorFamily "drop_operator_family" Delete,
    DropPolicy "drop_policy" Delete,
    DropProcedure "drop_procedure" Delete,
    DropPublication "drop_publication" Delete,
    DropRole "drop_role" Grant,
    DropRoutine "drop_routine" Delete,
    DropRule "drop_rule" Delete,
    DropSchema "drop_schema" Delete,
    DropSequence "drop_sequence" Delete,
    DropServer "drop_server" Delete,
    DropStatistics "drop_statistics" Delete,
    DropSubscription "drop_subscription" Delete,
    DropTable "drop_table" Delete,
    DropTablespace "drop_tablespace" Delete,
    DropTextSearchConfiguration "drop_text_search_configuration" Delete,
    DropTextSearchDictionary "drop_text_search_dictionary" Delete,
    DropTextSearchParser "drop_text_search_parser" Delete,
    DropTextSearchTemplate "drop_text_search_template" Delete,
    DropTransform "drop_transform" Delete,
    DropTrigger "drop_trigger" Delete,
    DropType "drop_type" Delete,
    DropUserMapping "drop_user_mapping" Delete,
    DropView "drop_view" Delete,
}

impl Kind {
    /// The kind of this name, for the regular families (`drop_` + class of object).
    pub fn of(verb: &str, class: &str) -> Self {
        let fits =
            |kind: &&Kind| kind.as_str().strip_prefix(verb).and_then(|rest| rest.strip_prefix('_')) == Some(class);
        Self::ALL.iter().find(fits).copied().unwrap_or(Self::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique() {
        let names: HashSet<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(names.len(), Kind::ALL.len());
    }

    #[test]
    fn families_are_found_by_verb_and_class() {
        assert_eq!(Kind::of("drop", "table"), Kind::DropTable);
        assert_eq!(Kind::of("drop", "tables"), Kind::Unknown);
    }
}
