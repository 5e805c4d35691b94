//! The short flags of a command (`features`): a closed set, published in docs/commands.md.

use super::tree::words;

words! {
    /// What is remarkable about a command, whatever its kind. Alphabetical, as they are encoded.
    Feature {
        CopyFile "copy_file",
        CopyProgram "copy_program",
        CustomOperator "custom_operator",
        DynamicSql "dynamic_sql",
        LexerSetting "lexer_setting",
        LockingClause "locking_clause",
        NetworkAccess "network_access",
        OpaqueCode "opaque_code",
        RoleChange "role_change",
        RowSecurityChange "row_security_change",
        SearchPath "search_path",
        SecretLiteral "secret_literal",
        SecurityDefiner "security_definer",
        ServerAdmin "server_admin",
        ServerFile "server_file",
        ServerProgram "server_program",
        Sleep "sleep",
        SqlText "sql_text",
        SystemStatistics "system_statistics",
        TempObject "temp_object",
        TransactionControl "transaction_control",
        TriggerBypass "trigger_bypass",
        UnknownFunction "unknown_function",
        WholeRow "whole_row",
    }
}
