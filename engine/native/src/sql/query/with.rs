//! WITH: common table expressions as tables of a query, recursive ones by repetition until their columns stay the same.

use std::rc::Rc;

use pg_query::protobuf::{CommonTableExpr, Node, WithClause};
use pg_query::NodeEnum;

use super::flow::Flow;
use super::scope::{star, Column, Columns, Cte, Scope};
use crate::sql::build::Builder;
use crate::sql::names::strings;
use crate::sql::tree::{Name, Via};

/// Passes over a recursive term before its columns count as unproven.
const MAX_PASSES: usize = 6;

impl<'a> Builder<'a> {
    /// WITH: each query becomes a table of this level.
    pub fn with_clause(&mut self, with: Option<&WithClause>, scope: &mut Scope<'_, 'a>) {
        let Some(with) = with else { return };
        if with.recursive {
            // Any of them may be named before it is defined: until then nothing is known of its columns.
            let early = with
                .ctes
                .iter()
                .filter_map(cte_of)
                .map(|cte| Cte { name: Name::from(cte.ctename.as_str()), columns: Rc::new(star(Flow::unknown())) });
            Rc::make_mut(&mut scope.ctes).extend(early);
        }
        for cte in with.ctes.iter().filter_map(cte_of) {
            let columns = if with.recursive { self.recursive_cte(cte, scope) } else { self.cte_columns(cte, scope) };
            self.computes(&columns);
            if let Some(cycle) = cte.cycle_clause.as_deref() {
                // Where a row comes again, its way ends.
                self.filters(&named(&columns, &cycle.cycle_col_list).origins);
            }
            let columns = Rc::new(columns);
            Rc::make_mut(&mut scope.ctes).push(Cte { name: Name::from(cte.ctename.as_str()), columns });
        }
    }

    fn cte_columns(&mut self, cte: &CommonTableExpr, scope: &Scope<'_, 'a>) -> Columns {
        let query = cte.ctequery.as_deref();
        let columns = self.handed_on(query, |b| b.within(Via::Cte, |b| b.subquery(query, scope)));
        named_columns(cte, columns)
    }

    /// A recursive query's columns are those of its first term plus what the recursive term makes of them.
    fn recursive_cte(&mut self, cte: &CommonTableExpr, scope: &mut Scope<'_, 'a>) -> Columns {
        let select = match cte.ctequery.as_deref().and_then(|node| node.node.as_ref()) {
            Some(NodeEnum::SelectStmt(select)) if select.larg.is_some() && self.quiet < 2 => select,
            _ => return self.cte_columns(cte, scope),
        };
        let Some(left) = select.larg.as_deref() else {
            return Columns::default();
        };
        let mut columns = named_columns(
            cte,
            self.quietly(|b| {
                let mut inner = scope.inner();
                b.with_clause(select.with_clause.as_ref(), &mut inner);
                b.select_body(left, &inner)
            }),
        );
        for pass in 0..=MAX_PASSES {
            let known = scope.ctes.len();
            Rc::make_mut(&mut scope.ctes)
                .push(Cte { name: Name::from(cte.ctename.as_str()), columns: Rc::new(columns.clone()) });
            let next = if pass == MAX_PASSES {
                columns.clone().unproven()
            } else {
                named_columns(cte, self.quietly(|b| b.select_body(select, scope)))
            };
            Rc::make_mut(&mut scope.ctes).truncate(known);
            if next == columns {
                break;
            }
            columns = next;
        }
        // Once more aloud, for operations and reads.
        let known = scope.ctes.len();
        Rc::make_mut(&mut scope.ctes)
            .push(Cte { name: Name::from(cte.ctename.as_str()), columns: Rc::new(columns.clone()) });
        self.within(Via::Cte, |b| b.subquery(cte.ctequery.as_deref(), scope));
        Rc::make_mut(&mut scope.ctes).truncate(known);
        columns
    }
}

fn cte_of(node: &Node) -> Option<&CommonTableExpr> {
    match node.node.as_ref()? {
        NodeEnum::CommonTableExpr(cte) => Some(cte),
        _ => None,
    }
}

/// A common table expression's columns under the names it gives them, with those of SEARCH and CYCLE.
fn named_columns(cte: &CommonTableExpr, mut columns: Columns) -> Columns {
    let names = strings(&cte.aliascolnames);
    if columns.complete {
        for (column, name) in columns.list.iter_mut().zip(&names) {
            column.name = Name::from(*name);
        }
    } else if !names.is_empty() {
        let flow = columns.everything();
        columns = Columns {
            list: names.iter().map(|name| Column { name: Name::from(*name), flow: flow.clone() }).collect(),
            complete: false,
        };
    }
    let mut extra = |name: &str, from: &[Node]| {
        let flow = named(&columns, from);
        columns.list.push(Column { name: Name::from(name), flow: flow.derive("row") });
    };
    if let Some(search) = &cte.search_clause {
        extra(&search.search_seq_column, &search.search_col_list);
    }
    if let Some(cycle) = cte.cycle_clause.as_deref() {
        extra(&cycle.cycle_mark_column, &cycle.cycle_col_list);
        extra(&cycle.cycle_path_column, &cycle.cycle_col_list);
    }
    columns
}

/// What is in the columns of these names; in any, where they could not be listed.
fn named(columns: &Columns, names: &[Node]) -> Flow {
    if !columns.complete {
        return columns.everything();
    }
    let names = strings(names);
    Flow::gather(columns.list.iter().filter(|column| names.contains(&&*column.name)).map(|column| column.flow.clone()))
}
