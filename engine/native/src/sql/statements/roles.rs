//! Roles and rights: GRANT and REVOKE, roles and their passwords, policies, owners, labels.

use pg_query::protobuf::{
    AlterDefaultPrivilegesStmt, AlterOwnerStmt, AlterPolicyStmt, AlterRoleStmt, CreatePolicyStmt, CreateRoleStmt,
    DropOwnedStmt, DropRoleStmt, GrantRoleStmt, GrantStmt, GrantTargetType, Node, ObjectType, ReassignOwnedStmt,
    SecLabelStmt,
};
use pg_query::NodeEnum;

use super::objects::{class_of, role_name};
use crate::sql::build::Builder;
use crate::sql::features::Feature;
use crate::sql::kinds::Kind;
use crate::sql::names::{column_name, strings};
use crate::sql::query::rows::over;
use crate::sql::tree::{Access, Target, Via};

impl<'a> Builder<'a> {
    pub fn grant(&mut self, grant: &GrantStmt) {
        self.operation(if grant.is_grant { Kind::Grant } else { Kind::Revoke });
        self.granted(grant);
    }

    fn granted(&mut self, grant: &GrantStmt) {
        let class = class_of(grant.objtype);
        let whole_schema = GrantTargetType::try_from(grant.targtype) == Ok(GrantTargetType::AclTargetAllInSchema);
        let class = if whole_schema { "schema" } else { class };
        for object in &grant.objects {
            self.object_node(class, Some(object), Access::Grant);
            if let Some(NodeEnum::RangeVar(relation)) = object.node.as_ref() {
                let (name, _) = crate::sql::names::existing(self.catalog, &relation.schemaname, &relation.relname);
                for privilege in &grant.privileges {
                    if let Some(NodeEnum::AccessPriv(privilege)) = privilege.node.as_ref() {
                        for column in strings(&privilege.cols) {
                            self.target(Target {
                                name: column_name(&name.full, column),
                                ..name.column_target(column, Access::Grant)
                            });
                        }
                    }
                }
            }
        }
        for privilege in &grant.privileges {
            if let Some(NodeEnum::AccessPriv(privilege)) = privilege.node.as_ref() {
                self.target(Target::plain("privilege", privilege.priv_name.as_str(), Access::Grant));
            }
        }
        if grant.privileges.is_empty() {
            self.target(Target::plain("privilege", "all", Access::Grant));
        }
        self.roles(&grant.grantees, Access::Grant);
    }

    pub fn grant_role(&mut self, grant: &GrantRoleStmt) {
        self.operation(if grant.is_grant { Kind::GrantRole } else { Kind::RevokeRole });
        for node in &grant.granted_roles {
            if let Some(NodeEnum::AccessPriv(role)) = node.node.as_ref() {
                self.target(Target::plain("role", role.priv_name.as_str(), Access::Grant));
            }
        }
        self.roles(&grant.grantee_roles, Access::Set);
    }

    pub fn default_privileges(&mut self, alter: &AlterDefaultPrivilegesStmt) {
        self.operation(Kind::AlterDefaultPrivileges);
        if let Some(grant) = &alter.action {
            self.granted(grant);
        }
    }

    pub fn create_role(&mut self, create: &CreateRoleStmt) {
        self.operation(Kind::CreateRole);
        self.target(Target::plain("role", create.role.as_str(), Access::Create));
        self.role_options(&create.options);
    }

    pub fn alter_role(&mut self, alter: &AlterRoleStmt) {
        self.operation(Kind::AlterRole);
        if let Some(role) = &alter.role {
            self.target(Target::plain("role", role_name(role), Access::Grant));
        }
        self.role_options(&alter.options);
    }

    fn role_options(&mut self, options: &[Node]) {
        for option in options {
            let Some(NodeEnum::DefElem(option)) = option.node.as_ref() else {
                continue;
            };
            let argument = option.arg.as_deref().and_then(|node| node.node.as_ref());
            match option.defname.as_str() {
                "password" if argument.is_some() => self.feature(Feature::SecretLiteral),
                "rolemembers" | "addroleto" | "adminmembers" => {
                    if let Some(NodeEnum::List(list)) = argument {
                        self.roles(&list.items, Access::Grant);
                    }
                }
                _ => {}
            }
        }
    }

    pub fn drop_role(&mut self, drop: &DropRoleStmt) {
        self.operation(Kind::DropRole);
        self.roles(&drop.roles, Access::Delete);
    }

    pub fn drop_owned(&mut self, drop: &DropOwnedStmt) {
        self.operation(Kind::DropOwned);
        self.roles(&drop.roles, Access::Delete);
        self.problem(
            "unlisted_targets",
            "whatever these roles own is dropped, and nobody here knows what that is",
            None,
        );
        self.incomplete();
    }

    pub fn reassign_owned(&mut self, reassign: &ReassignOwnedStmt) {
        self.operation(Kind::ReassignOwned);
        self.problem(
            "unlisted_targets",
            "whatever these roles own changes its owner, and nobody here knows what that is",
            None,
        );
        self.incomplete();
        self.roles(&reassign.roles, Access::Grant);
        if let Some(role) = &reassign.newrole {
            self.target(Target::plain("role", role_name(role), Access::Grant));
        }
    }

    pub fn alter_owner(&mut self, alter: &AlterOwnerStmt) {
        self.operation(Kind::AlterOwner);
        let class = class_of(alter.object_type);
        match &alter.relation {
            Some(relation) => {
                self.touch(Some(relation), class, Access::Grant);
            }
            None => self.object_node(class, alter.object.as_deref(), Access::Grant),
        }
        if let Some(role) = &alter.newowner {
            self.target(Target::plain("role", role_name(role), Access::Grant));
        }
    }

    pub fn security_label(&mut self, label: &SecLabelStmt) {
        self.operation(Kind::SecurityLabel);
        let object = ObjectType::try_from(label.objtype);
        if object == Ok(ObjectType::ObjectColumn) {
            self.column_object(label.object.as_deref(), Access::Grant);
        } else {
            self.object_node(class_of(label.objtype), label.object.as_deref(), Access::Grant);
        }
    }

    /// A column as COMMENT and SECURITY LABEL write it: a list whose last part is the column.
    pub fn column_object(&mut self, node: Option<&Node>, access: Access) {
        let Some(NodeEnum::List(list)) = node.and_then(|node| node.node.as_ref()) else {
            return;
        };
        if let [table @ .., column] = strings(&list.items).as_slice() {
            let (schema, table) = crate::sql::names::schema_and_name(table);
            let (name, _) = crate::sql::names::existing(self.catalog, schema.unwrap_or(""), table);
            self.relation(&name.full);
            self.target(name.column_target(column, access));
        }
    }

    pub fn create_policy(&mut self, policy: &CreatePolicyStmt) {
        self.operation(Kind::CreatePolicy);
        self.feature(Feature::RowSecurityChange);
        self.policy(
            policy.table.as_ref(),
            &policy.policy_name,
            Access::Create,
            policy.qual.as_deref(),
            policy.with_check.as_deref(),
        );
        self.roles(&policy.roles, Access::Grant);
    }

    pub fn alter_policy(&mut self, policy: &AlterPolicyStmt) {
        self.operation(Kind::AlterPolicy);
        self.feature(Feature::RowSecurityChange);
        self.policy(
            policy.table.as_ref(),
            &policy.policy_name,
            Access::Grant,
            policy.qual.as_deref(),
            policy.with_check.as_deref(),
        );
        self.roles(&policy.roles, Access::Grant);
    }

    fn policy(
        &mut self,
        table: Option<&pg_query::protobuf::RangeVar>,
        name: &str,
        access: Access,
        using: Option<&Node>,
        check: Option<&Node>,
    ) {
        let Some(table) = table else { return };
        let root = crate::sql::query::scope::Scope::root();
        let entry = self.table(table, &root, Access::Grant);
        let parts = [table.schemaname.as_str(), table.relname.as_str(), name];
        let parts = if table.schemaname.is_empty() { parts.get(1..).unwrap_or(&[]) } else { &parts[..] };
        self.object("policy", parts, access);
        let scope = over(entry);
        self.within(Via::Policy, |b| {
            b.filter(using, &scope);
            b.filter(check, &scope);
        });
    }
}
