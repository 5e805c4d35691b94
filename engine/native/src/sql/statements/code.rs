//! Code: functions and procedures that are made, called, or run once (DO).

use pg_query::protobuf::{CallStmt, CreateFunctionStmt, DoStmt, FunctionParameter, Node};
use pg_query::NodeEnum;

use crate::sql::build::Builder;
use crate::sql::features::Feature;
use crate::sql::kinds::Kind;
use crate::sql::names::strings;
use crate::sql::query::scope::Scope;
use crate::sql::tree::{Access, Target, Via};

impl<'a> Builder<'a> {
    /// DO: a block of code in some language. One in PL/pgSQL is taken apart; any other is opaque.
    pub fn do_block(&mut self, block: &DoStmt) {
        self.operation(Kind::Do);
        let language = self.option_text(&block.args, "language").unwrap_or("plpgsql").to_owned();
        self.target(Target::plain("language", language.as_str(), Access::Execute));
        let seen = language == "plpgsql"
            && match self.option_text(&block.args, "as") {
                Some(body) => self.procedural_block(body),
                None => false,
            };
        if !seen {
            self.feature(Feature::OpaqueCode);
            self.incomplete();
        }
    }

    pub fn call_procedure(&mut self, call: &CallStmt) {
        self.operation(Kind::Call);
        self.feature(Feature::OpaqueCode);
        self.incomplete();
        if let Some(call) = call.funccall.as_deref() {
            let parts = strings(&call.funcname);
            self.object("procedure", &parts, Access::Execute);
            self.expressions(&call.args, &Scope::root());
        }
    }

    pub fn create_function(&mut self, function: &CreateFunctionStmt) {
        let (kind, class) = if function.is_procedure {
            (Kind::CreateProcedure, "procedure")
        } else {
            (Kind::CreateFunction, "function")
        };
        self.operation(kind);
        let parts = strings(&function.funcname);
        self.object(class, &parts, Access::Create);
        self.type_name(function.return_type.as_ref());
        for parameter in &function.parameters {
            if let Some(NodeEnum::FunctionParameter(parameter)) = parameter.node.as_ref() {
                self.parameter(parameter);
            }
        }
        self.function_options(&function.options);
        if let Some(body) = function.sql_body.as_deref() {
            self.within(Via::Body, |b| b.sql_body(body));
            return;
        }
        let language = self.option_text(&function.options, "language").map(str::to_lowercase);
        let body = self.option_text(&function.options, "as").map(str::to_owned);
        match (language.as_deref(), body) {
            // The body may use parameters by name: columns that no table has.
            (Some("sql") | None, Some(text)) => {
                self.embedded(Via::Body, &text);
            }
            _ => {
                self.feature(Feature::OpaqueCode);
                self.incomplete();
            }
        }
    }

    fn parameter(&mut self, parameter: &FunctionParameter) {
        self.type_name(parameter.arg_type.as_ref());
        self.within(Via::Default, |b| b.optional(parameter.defexpr.as_deref(), &Scope::root()));
    }

    /// SECURITY DEFINER, SET clauses and support functions of a function.
    pub fn function_options(&mut self, options: &[Node]) {
        for option in options {
            let Some(NodeEnum::DefElem(option)) = option.node.as_ref() else {
                continue;
            };
            match (option.defname.as_str(), option.arg.as_deref().and_then(|node| node.node.as_ref())) {
                ("security", Some(NodeEnum::Boolean(flag))) if flag.boolval => self.feature(Feature::SecurityDefiner),
                ("set", Some(NodeEnum::VariableSetStmt(set))) => self.setting(set),
                _ => {}
            }
        }
    }

    /// `BEGIN ATOMIC ... END` or `RETURN ...`.
    fn sql_body(&mut self, body: &Node) {
        match body.node.as_ref() {
            Some(NodeEnum::List(list)) => {
                for item in &list.items {
                    self.sql_body(item);
                }
            }
            Some(statement) => {
                self.statement_node(statement);
            }
            None => {}
        }
    }

    /// The text of an option, also where it is a list of texts (the first one counts).
    pub fn option_text<'n>(&mut self, options: &'n [Node], name: &str) -> Option<&'n str> {
        let option = options.iter().find_map(|node| match node.node.as_ref() {
            Some(NodeEnum::DefElem(option)) if option.defname == name => Some(option),
            _ => None,
        })?;
        let argument = option.arg.as_deref()?;
        match argument.node.as_ref() {
            Some(NodeEnum::List(list)) => list.items.first().and_then(|node| self.literal(node)),
            _ => self.literal(argument),
        }
    }
}
