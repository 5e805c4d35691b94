//! Tables, views, indexes, triggers, rules: made and altered, with the queries and expressions in their definitions.

use pg_query::protobuf::{
    AlterTableCmd, AlterTableStmt, AlterTableType, ColumnDef, ConstrType, Constraint, CreateStmt, CreateTableAsStmt,
    CreateTrigStmt, IndexElem, IndexStmt, Node, ObjectType, PartitionBoundSpec, PartitionSpec, RangeVar, RuleStmt,
    ViewStmt,
};
use pg_query::NodeEnum;

use super::objects::class_of;
use crate::sql::build::Builder;
use crate::sql::features::Feature;
use crate::sql::kinds::Kind;
use crate::sql::names::{full_name, strings};
use crate::sql::query::json::node_name;
use crate::sql::query::rows::over;
use crate::sql::query::scope::{Entry, Scope, Source};
use crate::sql::query::values::Made;
use crate::sql::tree::{Access, Name, Target, Via};

impl<'a> Builder<'a> {
    pub fn create_table(&mut self, create: &CreateStmt, kind: Kind, class: &'static str) {
        self.operation(kind);
        let Some(relation) = create.relation.as_ref() else {
            return;
        };
        let name = self.created_relation(relation);
        self.target(name.target(class, Access::Create));
        self.touch_each(&create.inh_relations, "table", Access::Read);
        self.type_name(create.of_typename.as_ref());
        let columns: Vec<Name> =
            create.table_elts.iter().filter_map(column_of).map(|column| Name::from(column.colname.as_str())).collect();
        let entry = definition(relation, &name.full, columns);
        let scope = over(entry);
        self.within(Via::Table, |b| {
            b.table_elements(&create.table_elts, &scope);
            b.table_elements(&create.constraints, &scope);
            b.partition_spec(create.partspec.as_ref(), &scope);
            b.partition_bound(create.partbound.as_ref(), &scope);
        });
    }

    fn table_elements(&mut self, elements: &[Node], scope: &Scope<'_, 'a>) {
        for element in elements {
            match element.node.as_ref() {
                Some(NodeEnum::ColumnDef(column)) => self.column_definition(column, scope),
                Some(NodeEnum::Constraint(constraint)) => self.constraint(constraint, scope),
                Some(NodeEnum::TableLikeClause(like)) => {
                    self.touch(like.relation.as_ref(), "table", Access::Read);
                }
                Some(other) => self.unknown(node_name(other)),
                None => {}
            }
        }
    }

    pub fn column_definition(&mut self, column: &ColumnDef, scope: &Scope<'_, 'a>) {
        self.type_name(column.type_name.as_ref());
        self.optional(column.raw_default.as_deref(), scope);
        for constraint in &column.constraints {
            if let Some(NodeEnum::Constraint(constraint)) = constraint.node.as_ref() {
                self.constraint(constraint, scope);
            }
        }
        if !column.fdwoptions.is_empty() {
            self.server_options(&column.fdwoptions);
        }
    }

    pub fn constraint(&mut self, constraint: &Constraint, scope: &Scope<'_, 'a>) {
        let step = if ConstrType::try_from(constraint.contype) == Ok(ConstrType::ConstrDefault) {
            Via::Default
        } else {
            Via::Check
        };
        self.within(step, |b| {
            b.optional(constraint.raw_expr.as_deref(), scope);
            b.filter(constraint.where_clause.as_deref(), scope);
            for pair in &constraint.exclusions {
                if let Some(NodeEnum::List(pair)) = pair.node.as_ref() {
                    if let Some(NodeEnum::IndexElem(element)) = pair.items.first().and_then(|node| node.node.as_ref()) {
                        b.index_element(element, scope);
                    }
                    if let Some(NodeEnum::List(operator)) = pair.items.get(1).and_then(|node| node.node.as_ref()) {
                        b.operator_name(&operator.items);
                    }
                }
            }
        });
        if let Some(referenced) = &constraint.pktable {
            self.touch(Some(referenced), "table", Access::Read);
            // A row is refused where none of the other table has its values.
            let (_, _, source) = self.relation_source(referenced);
            let other = over(Entry::new(Name::from(referenced.relname.as_str()), source));
            for name in strings(&constraint.pk_attrs) {
                self.column_filter(name, &other);
            }
        }
    }

    pub fn index_element(&mut self, element: &IndexElem, scope: &Scope<'_, 'a>) {
        self.filter(element.expr.as_deref(), scope);
        if !element.name.is_empty() {
            self.column_filter(&element.name, scope);
        }
    }

    /// Which rows there may be depends on a column.
    fn column_filter(&mut self, column: &str, scope: &Scope<'_, 'a>) {
        if let Some(flow) = scope.bare_column(column) {
            self.filters(&flow.origins);
        }
    }

    fn partition_spec(&mut self, spec: Option<&PartitionSpec>, scope: &Scope<'_, 'a>) {
        for element in spec.map_or(&[][..], |spec| &spec.part_params) {
            if let Some(NodeEnum::PartitionElem(element)) = element.node.as_ref() {
                self.optional(element.expr.as_deref(), scope);
            }
        }
    }

    fn partition_bound(&mut self, bound: Option<&PartitionBoundSpec>, scope: &Scope<'_, 'a>) {
        if let Some(bound) = bound {
            for list in [&bound.listdatums, &bound.lowerdatums, &bound.upperdatums] {
                for datum in list {
                    // MINVALUE and MAXVALUE arrive as column references that no table has.
                    if !matches!(datum.node.as_ref(), Some(NodeEnum::ColumnRef(_))) {
                        self.expression(datum, scope);
                    }
                }
            }
        }
    }

    /// CREATE TABLE AS and CREATE MATERIALIZED VIEW.
    pub fn create_table_as(&mut self, create: &CreateTableAsStmt) {
        let (kind, class) = match ObjectType::try_from(create.objtype) {
            Ok(ObjectType::ObjectMatview) => (Kind::CreateMaterializedView, "materialized_view"),
            _ if create.is_select_into => (Kind::SelectInto, "table"),
            _ => (Kind::CreateTableAs, "table"),
        };
        self.operation(kind);
        if let Some(relation) = create.into.as_deref().and_then(|into| into.rel.as_ref()) {
            let name = self.created_relation(relation);
            self.target(name.target(class, Access::Create));
        }
        if let Some(node) = create.query.as_deref().and_then(|node| node.node.as_ref()) {
            self.within(Via::Table, |b| b.statement_node(node));
        }
    }

    pub fn create_view(&mut self, view: &ViewStmt) {
        self.operation(Kind::CreateView);
        if let Some(relation) = &view.view {
            let name = self.created_relation(relation);
            self.target(name.target("view", Access::Create));
        }
        if let Some(node) = view.query.as_deref().and_then(|node| node.node.as_ref()) {
            self.within(Via::View, |b| b.query(node, &Scope::root()));
        }
    }

    pub fn create_index(&mut self, index: &IndexStmt) {
        self.operation(Kind::CreateIndex);
        let Some(relation) = index.relation.as_ref() else {
            return;
        };
        let entry = self.table(relation, &Scope::root(), Access::Set);
        if !index.idxname.is_empty() {
            let schema = entry.schema.clone();
            let full = full_name(schema.as_deref(), &index.idxname);
            self.target(Target { schema, ..Target::plain("index", full, Access::Create) });
        }
        let scope = over(entry);
        self.within(Via::Index, |b| {
            for list in [&index.index_params, &index.index_including_params] {
                for element in list {
                    if let Some(NodeEnum::IndexElem(element)) = element.node.as_ref() {
                        b.index_element(element, &scope);
                    }
                }
            }
            b.filter(index.where_clause.as_deref(), &scope);
        });
    }

    pub fn create_trigger(&mut self, trigger: &CreateTrigStmt) {
        self.operation(Kind::CreateTrigger);
        let Some(relation) = trigger.relation.as_ref() else {
            return;
        };
        let entry = self.table(relation, &Scope::root(), Access::Set);
        let function = strings(&trigger.funcname);
        self.object("function", &function, Access::Execute);
        let mut scope = Scope::root();
        for name in ["old", "new"] {
            let mut row = Entry { alias: Name::from(name), schema: None, ..entry.clone() };
            row.bare = false;
            scope.entries.push(row);
        }
        self.within(Via::Trigger, |b| b.filter(trigger.when_clause.as_deref(), &scope));
        self.touch(trigger.constrrel.as_ref(), "table", Access::Read);
    }

    /// CREATE RULE: its actions run whenever its event happens.
    pub fn create_rule(&mut self, rule: &RuleStmt) {
        self.operation(Kind::CreateRule);
        let Some(relation) = rule.relation.as_ref() else {
            return;
        };
        let entry = self.table(relation, &Scope::root(), Access::Set);
        let mut scope = Scope::root();
        for name in ["old", "new"] {
            let mut row = Entry { alias: Name::from(name), schema: None, ..entry.clone() };
            row.bare = false;
            scope.entries.push(row);
        }
        self.within(Via::Rule, |b| {
            b.filter(rule.where_clause.as_deref(), &scope);
            for action in &rule.actions {
                match action.node.as_ref() {
                    Some(
                        action @ (NodeEnum::SelectStmt(_)
                        | NodeEnum::InsertStmt(_)
                        | NodeEnum::UpdateStmt(_)
                        | NodeEnum::DeleteStmt(_)
                        | NodeEnum::MergeStmt(_)),
                    ) => {
                        b.aside(|b| b.query(action, &scope));
                    }
                    Some(action) => {
                        b.aside(|b| b.statement_node(action));
                    }
                    None => {}
                }
            }
        });
    }

    pub fn alter_table(&mut self, alter: &AlterTableStmt) {
        let class = class_of(alter.objtype);
        let kind = Kind::of("alter", class);
        self.operation(kind);
        if kind == Kind::Unknown {
            self.incomplete();
        }
        let Some(relation) = alter.relation.as_ref() else {
            return;
        };
        let name = self.touch(Some(relation), class, Access::Create);
        let full = name.map_or_else(|| full_name(None, &relation.relname), |name| name.full);
        let (_, _, source) = self.relation_source(relation);
        let entry = Entry::new(Name::from(relation.relname.as_str()), source);
        let scope = over(entry);
        for command in &alter.cmds {
            if let Some(NodeEnum::AlterTableCmd(command)) = command.node.as_ref() {
                self.within(Via::Alter, |b| b.alter_command(command, class, &full, &scope));
            }
        }
    }

    fn alter_command(&mut self, command: &AlterTableCmd, class: &'static str, full: &Name, scope: &Scope<'_, 'a>) {
        use AlterTableType as T;
        match T::try_from(command.subtype) {
            Ok(T::AtDropColumn) => {
                self.operation(Kind::DropColumn);
                self.target(Target {
                    column: Some(Name::from(command.name.as_str())),
                    ..Target::plain("column", crate::sql::names::column_name(full, &command.name), Access::Delete)
                });
            }
            Ok(T::AtDropConstraint) => {
                self.operation(Kind::DropConstraint);
                self.target(Target::plain(
                    "constraint",
                    crate::sql::names::column_name(full, &command.name),
                    Access::Delete,
                ));
            }
            Ok(T::AtChangeOwner) => {
                self.operation(Kind::AlterOwner);
                self.target(Target::plain(class, full.clone(), Access::Grant));
                if let Some(role) = &command.newowner {
                    self.target(Target::plain("role", super::objects::role_name(role), Access::Grant));
                }
            }
            Ok(T::AtDetachPartition | T::AtDetachPartitionFinalize | T::AtDropInherit) => {
                self.operation(Kind::DetachPartition);
            }
            Ok(T::AtEnableRowSecurity | T::AtDisableRowSecurity | T::AtForceRowSecurity | T::AtNoForceRowSecurity) => {
                self.feature(Feature::RowSecurityChange)
            }
            Ok(
                T::AtEnableTrig
                | T::AtEnableAlwaysTrig
                | T::AtEnableReplicaTrig
                | T::AtDisableTrig
                | T::AtEnableTrigAll
                | T::AtDisableTrigAll
                | T::AtEnableTrigUser
                | T::AtDisableTrigUser
                | T::AtEnableRule
                | T::AtEnableAlwaysRule
                | T::AtEnableReplicaRule
                | T::AtDisableRule,
            ) => self.feature(Feature::TriggerBypass),
            Ok(T::AtGenericOptions | T::AtAlterColumnGenericOptions) => self.feature(Feature::NetworkAccess),
            Ok(T::Undefined) | Err(_) => self.unknown("ALTER TABLE action"),
            Ok(_) => {}
        }
        self.alter_definition(command.def.as_deref(), scope);
    }

    /// What an ALTER TABLE action brings with it.
    fn alter_definition(&mut self, definition: Option<&Node>, scope: &Scope<'_, 'a>) {
        match definition.and_then(|node| node.node.as_ref()) {
            Some(NodeEnum::ColumnDef(column)) => {
                self.column_definition(column, scope);
                // The rows that are there get a value of it.
                self.value_of(column.type_name.as_ref(), Made::Cast);
            }
            Some(NodeEnum::Constraint(constraint)) => {
                self.constraint(constraint, scope);
                // The rows that are there have to meet it: whether they do says something about them.
                for name in strings(&constraint.keys).into_iter().chain(strings(&constraint.fk_attrs)) {
                    self.column_filter(name, scope);
                }
            }
            Some(NodeEnum::RangeVar(relation)) => {
                self.touch(Some(relation), "table", Access::Read);
            }
            Some(NodeEnum::PartitionCmd(partition)) => {
                self.touch(partition.name.as_ref(), "table", Access::Set);
                self.partition_bound(partition.bound.as_ref(), scope);
            }
            Some(NodeEnum::TypeName(name)) => self.type_name(Some(name)),
            // Options, statistics targets, identities: nothing that runs or names a relation.
            Some(
                NodeEnum::List(_)
                | NodeEnum::Integer(_)
                | NodeEnum::String(_)
                | NodeEnum::Boolean(_)
                | NodeEnum::ReplicaIdentityStmt(_)
                | NodeEnum::AtalterConstraint(_)
                | NodeEnum::DefElem(_),
            )
            | None => {}
            // A default: any expression.
            Some(_) => {
                if let Some(node) = definition {
                    self.within(Via::Default, |b| b.expression(node, scope));
                }
            }
        }
    }
}

fn column_of(node: &Node) -> Option<&ColumnDef> {
    match node.node.as_ref()? {
        NodeEnum::ColumnDef(column) => Some(column),
        _ => None,
    }
}

/// A table that is being defined, so that its own expressions find its columns.
fn definition<'c>(relation: &RangeVar, full: &Name, columns: Vec<Name>) -> Entry<'c> {
    use crate::sql::query::flow::Flow;
    use crate::sql::query::scope::{Column, Columns};
    let list = columns
        .into_iter()
        .map(|name| Column { flow: Flow::column(crate::sql::names::column_name(full, &name), true), name })
        .collect();
    // Inherited and copied columns are not listed: any name may be one.
    let source = Source::Columns(std::rc::Rc::new(Columns { list, complete: false }));
    Entry::new(Name::from(relation.relname.as_str()), source)
}
