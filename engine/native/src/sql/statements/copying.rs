//! COPY: to and from the client, files of the server, programs.

use std::rc::Rc;

use pg_query::protobuf::CopyStmt;

use crate::sql::build::Builder;
use crate::sql::features::Feature;
use crate::sql::kinds::Kind;
use crate::sql::names::strings;
use crate::sql::query::rows::over;
use crate::sql::query::scope::{Columns, Lookup, Scope};
use crate::sql::tree::{Access, Target, Via};

impl<'a> Builder<'a> {
    /// COPY. Gives the columns that are sent: none but for COPY TO STDOUT.
    pub fn copy(&mut self, copy: &CopyStmt) -> Option<Columns> {
        let to_server = !copy.filename.is_empty();
        let kind = match (copy.is_from, copy.is_program, to_server) {
            (true, true, _) => Kind::CopyFromProgram,
            (false, true, _) => Kind::CopyToProgram,
            (true, false, true) => Kind::CopyFromFile,
            (false, false, true) => Kind::CopyToFile,
            (true, false, false) => Kind::CopyFrom,
            (false, false, false) => Kind::CopyTo,
        };
        self.operation(kind);
        if copy.is_program {
            self.feature(Feature::CopyProgram);
            self.feature(Feature::ServerProgram);
            self.target(Target::plain("program", copy.filename.as_str(), Access::Execute));
            // What the program does is beyond SQL.
            self.incomplete();
        } else if to_server {
            self.feature(Feature::CopyFile);
            self.feature(Feature::ServerFile);
            let access = if copy.is_from { Access::Read } else { Access::Write };
            self.target(Target::plain("file", copy.filename.as_str(), access));
        }
        let columns = match (copy.query.as_deref().and_then(|node| node.node.as_ref()), &copy.relation) {
            (Some(query), _) => Some(self.within(Via::Copy, |b| b.query(query, &Scope::root()))),
            (None, Some(_)) => self.copied_table(copy),
            (None, None) => None,
        };
        if kind == Kind::CopyTo {
            columns
        } else {
            Some(Columns::known(Vec::new()))
        }
    }

    fn copied_table(&mut self, copy: &CopyStmt) -> Option<Columns> {
        let relation = copy.relation.as_ref()?;
        let access = if copy.is_from { Access::Write } else { Access::Read };
        let scope = Scope::root();
        // WHY not a common table expression: COPY names relations only.
        let entry = self.table(relation, &scope, access);
        let listed = strings(&copy.attlist);
        if copy.is_from {
            self.writes(&entry, &listed, listed.is_empty());
            let scope = over(entry);
            self.within(Via::Where, |b| b.filter(copy.where_clause.as_deref(), &scope));
            return None;
        }
        let mut columns = entry.columns();
        if listed.is_empty() {
            columns.list.retain(|column| !entry.is_computed(&column.name));
        } else {
            let list = listed.iter().map(|name| crate::sql::query::scope::Column {
                name: Rc::<str>::from(*name).as_ref().into(),
                flow: match entry.column(name) {
                    Lookup::Found(flow) | Lookup::Maybe(flow) => flow,
                    Lookup::No => crate::sql::query::scope::nowhere(Some(&entry.alias), name),
                },
            });
            columns = Columns::known(list.collect());
        }
        for column in &columns.list {
            self.note_reads(&column.flow);
        }
        Some(columns)
    }
}
