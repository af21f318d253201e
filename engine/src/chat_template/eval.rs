//! Runs a template's statements. minijinja reads the syntax; the values, their operators and what they may cost
//! are our own, because a running minijinja can be made to fill the memory (`'a' * 90000000`, `x ~ x` in a
//! loop, captures), and because templates are written for Python: `True`, `{'a': 1}`, `'%s' % x`.

use super::args::Args;
use super::meter::{Meter, Res, Stop, fault};
use super::text::Text;
use super::value::Val;
use minijinja::machinery::ast::{self, Expr, Stmt};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Statements in statements, expressions in expressions, macros in macros, all together.
const MAX_DEPTH: usize = 600;

pub(super) struct Eval<'a> {
    pub(super) meter: &'a Meter,
    pub(super) now: &'a jiff::Zoned,
    pub(super) scope: Rc<Scope>,
    /// The innermost capture is last; the output itself first.
    out: Vec<String>,
    macros: Vec<Macro<'a>>,
    loops: Vec<&'a ast::ForLoop<'a>>,
    depth: usize,
    /// Of the statement that runs, for messages.
    pub(super) line: u32,
}

/// Variables of a block, and what they hide.
pub(super) struct Scope {
    vars: RefCell<Vec<(Rc<str>, Val)>>,
    parent: Option<Rc<Scope>>,
}

#[derive(Clone)]
struct Macro<'a> {
    decl: &'a ast::Macro<'a>,
    /// Where it was declared: what it can see.
    scope: Rc<Scope>,
}

/// A `for` while it runs.
pub(super) struct Loop {
    pub(super) items: Vec<Val>,
    pub(super) index: Cell<usize>,
    pub(super) depth: usize,
    pub(super) last_seen: RefCell<Option<Vec<Val>>>,
    /// Index into the evaluation's loops when it is recursive.
    again: Option<usize>,
}

impl<'a> Eval<'a> {
    pub(super) fn new(meter: &'a Meter, now: &'a jiff::Zoned, context: Vec<(String, Val)>) -> Self {
        let vars = context.into_iter().map(|(name, value)| (name.into(), value)).collect();
        let scope = Rc::new(Scope { vars: RefCell::new(vars), parent: None });
        Self {
            meter,
            now,
            scope,
            out: vec![String::new()],
            macros: Vec::new(),
            loops: Vec::new(),
            depth: 0,
            line: 1,
        }
    }

    pub(super) fn run(&mut self, template: &'a Stmt<'a>) -> Res<String> {
        let Stmt::Template(template) = template else { return fault("no template") };
        self.body(&template.children)?;
        Ok(std::mem::take(&mut self.out[0]))
    }

    /// Runs `work` one level deeper.
    pub(super) fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Res<T>) -> Res<T> {
        self.meter.step(1)?;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Stop::Limit("the template is nested too deeply"));
        }
        let result = work(self);
        self.depth -= 1;
        result
    }

    /// Runs `work` with variables of its own.
    fn scoped<T>(&mut self, parent: Rc<Scope>, work: impl FnOnce(&mut Self) -> Res<T>) -> Res<T> {
        self.meter.grow(64)?;
        let inner = Rc::new(Scope { vars: RefCell::new(Vec::new()), parent: Some(parent) });
        let outer = std::mem::replace(&mut self.scope, inner);
        let result = self.deeper(work);
        self.scope = outer;
        result
    }

    fn capture(&mut self, work: impl FnOnce(&mut Self) -> Res<()>) -> Res<Val> {
        self.out.push(String::new());
        let result = work(self);
        let text = self.out.pop().unwrap_or_default();
        result?;
        Val::str(self.meter, text)
    }

    fn write(&mut self, text: &str) -> Res<()> {
        self.meter.grow(text.len())?;
        if let Some(out) = self.out.last_mut() {
            out.push_str(text);
        }
        Ok(())
    }

    fn body(&mut self, body: &'a [Stmt<'a>]) -> Res<()> {
        body.iter().try_for_each(|stmt| self.deeper(|eval| eval.stmt(stmt)))
    }

    fn stmt(&mut self, stmt: &'a Stmt<'a>) -> Res<()> {
        match stmt {
            Stmt::EmitRaw(raw) => self.write(raw.raw),
            Stmt::EmitExpr(emit) => {
                self.line = emit.span().start_line.into();
                let value = self.expr(&emit.expr)?;
                let mut text = Text::new(self.meter);
                text.str(&value)?;
                self.write(&text.out)
            }
            Stmt::IfCond(cond) => {
                self.line = cond.span().start_line.into();
                let body = if self.expr(&cond.expr)?.is_true() { &cond.true_body } else { &cond.false_body };
                self.body(body)
            }
            Stmt::ForLoop(stmt) => {
                self.line = stmt.span().start_line.into();
                let items = self.expr(&stmt.iter)?;
                self.for_loop(stmt, &items, 0)
            }
            Stmt::Set(set) => {
                self.line = set.span().start_line.into();
                let value = self.expr(&set.expr)?;
                self.assign(&set.target, value)
            }
            Stmt::SetBlock(set) => {
                let text = self.scoped_capture(&set.body)?;
                let value = match &set.filter {
                    Some(filter) => self.filter_chain(filter, text)?,
                    None => text,
                };
                self.assign(&set.target, value)
            }
            Stmt::FilterBlock(block) => {
                let text = self.scoped_capture(&block.body)?;
                let value = self.filter_chain(&block.filter, text)?;
                let mut text = Text::new(self.meter);
                text.str(&value)?;
                self.write(&text.out)
            }
            Stmt::WithBlock(with) => self.scoped(Rc::clone(&self.scope), |eval| {
                for (target, value) in &with.assignments {
                    let value = eval.expr(value)?;
                    eval.assign(target, value)?;
                }
                eval.body(&with.body)
            }),
            Stmt::Macro(decl) => {
                let id = self.declare(decl)?;
                self.set(decl.name, Val::Macro(id))
            }
            Stmt::CallBlock(block) => {
                self.line = block.span().start_line.into();
                let caller = self.declare(&block.macro_decl)?;
                let value = self.call(&block.call, Some(Val::Macro(caller)))?;
                let mut text = Text::new(self.meter);
                text.str(&value)?;
                self.write(&text.out)
            }
            Stmt::Do(call) => self.call(&call.call, None).map(drop),
            Stmt::Continue(_) => Err(Stop::Continue),
            Stmt::Break(_) => Err(Stop::Break),
            Stmt::AutoEscape(block) => self.body(&block.body),
            Stmt::Block(block) => self.scoped(Rc::clone(&self.scope), |eval| eval.body(&block.body)),
            Stmt::Template(_)
            | Stmt::Import(_)
            | Stmt::FromImport(_)
            | Stmt::Extends(_)
            | Stmt::Include(_) => fault("other templates cannot be included"),
        }
    }

    fn scoped_capture(&mut self, body: &'a [Stmt<'a>]) -> Res<Val> {
        self.capture(|eval| eval.scoped(Rc::clone(&eval.scope), |eval| eval.body(body)))
    }

    fn for_loop(&mut self, stmt: &'a ast::ForLoop<'a>, iterated: &Val, depth: usize) -> Res<()> {
        let outer = Rc::clone(&self.scope);
        let mut items = iterated.elements(self.meter)?;
        if let Some(condition) = &stmt.filter_expr {
            let mut kept = Vec::new();
            for item in items {
                let keep = self.scoped(Rc::clone(&outer), |eval| {
                    eval.assign(&stmt.target, item.clone())?;
                    Ok(eval.expr(condition)?.is_true())
                })?;
                if keep {
                    kept.push(item);
                }
            }
            items = kept;
        }
        if items.is_empty() {
            return self.scoped(outer, |eval| eval.body(&stmt.else_body));
        }
        let again = stmt.recursive.then(|| {
            self.loops.push(stmt);
            self.loops.len() - 1
        });
        self.meter.grow(64)?;
        let state = Rc::new(Loop { items, index: Cell::new(0), depth, last_seen: RefCell::default(), again });
        for (index, item) in state.items.iter().enumerate() {
            state.index.set(index);
            let turn = self.scoped(Rc::clone(&outer), |eval| {
                eval.set("loop", Val::Loop(Rc::clone(&state)))?;
                eval.assign(&stmt.target, item.clone())?;
                eval.body(&stmt.body)
            });
            match turn {
                Err(Stop::Break) => break,
                Ok(()) | Err(Stop::Continue) => {}
                Err(stop) => return Err(stop),
            }
        }
        Ok(())
    }

    /// `loop(items)`: the same body over something inside.
    pub(super) fn loop_again(&mut self, state: &Loop, items: &Val) -> Res<Val> {
        let Some(stmt) = state.again.and_then(|at| self.loops.get(at).copied()) else {
            return fault("this loop is not recursive");
        };
        let depth = state.depth + 1;
        self.capture(|eval| eval.deeper(|eval| eval.for_loop(stmt, items, depth)))
    }

    fn declare(&mut self, decl: &'a ast::Macro<'a>) -> Res<usize> {
        self.meter.grow(64)?;
        self.macros.push(Macro { decl, scope: Rc::clone(&self.scope) });
        Ok(self.macros.len() - 1)
    }

    pub(super) fn call_macro(&mut self, id: usize, args: Args) -> Res<Val> {
        let Some(Macro { decl, scope }) = self.macros.get(id).cloned() else { return fault("no such macro") };
        let line = self.line;
        let text = self.capture(|eval| {
            eval.scoped(scope, |eval| {
                eval.bind(decl, args)?;
                eval.body(&decl.body)
            })
        })?;
        self.line = line;
        Ok(text)
    }

    fn bind(&mut self, decl: &'a ast::Macro<'a>, mut args: Args) -> Res<()> {
        let first_default = decl.args.len() - decl.defaults.len();
        let mut positional = std::mem::take(&mut args.positional).into_iter();
        for (at, target) in decl.args.iter().enumerate() {
            let Expr::Var(name) = target else { return fault("an argument without a name") };
            let named = args.named.iter().position(|(n, _)| n == name.id).map(|i| args.named.remove(i).1);
            let value = match (positional.next().or(named), at.checked_sub(first_default)) {
                (Some(value), _) => value,
                (None, Some(default)) => self.expr(&decl.defaults[default])?,
                (None, None) => Val::undefined(name.id),
            };
            self.set(name.id, value)?;
        }
        let varargs = Val::tuple(self.meter, positional.collect())?;
        self.set("varargs", varargs)?;
        if let Some(at) = args.named.iter().position(|(n, _)| n == "caller") {
            let caller = args.named.remove(at).1;
            self.set("caller", caller)?;
        }
        let named = args.named.into_iter().map(|(n, v)| Ok((Val::str(self.meter, n)?, v)));
        let kwargs = Val::map(self.meter, named.collect::<Res<Vec<_>>>()?)?;
        self.set("kwargs", kwargs)
    }

    fn assign(&mut self, target: &'a Expr<'a>, value: Val) -> Res<()> {
        match target {
            Expr::Var(var) => self.set(var.id, value),
            Expr::List(targets) => self.unpack(&targets.items, &value),
            Expr::Tuple(targets) => self.unpack(&targets.items, &value),
            Expr::GetAttr(attr) => {
                let Val::Namespace(fields) = self.expr(&attr.expr)? else {
                    return fault(format!("cannot set {}: only namespaces can be changed", attr.name));
                };
                // A namespace inside itself would have no end.
                if value.holds_namespace() {
                    return fault("a namespace cannot hold a namespace");
                }
                let mut fields = fields.borrow_mut();
                self.meter.step(fields.len())?;
                match fields.iter_mut().find(|(name, _)| &**name == attr.name) {
                    Some((_, old)) => *old = value,
                    None => {
                        self.meter.grow(64 + attr.name.len())?;
                        fields.push((attr.name.into(), value));
                    }
                }
                Ok(())
            }
            _ => fault("cannot assign to this"),
        }
    }

    fn unpack(&mut self, targets: &'a [Expr<'a>], value: &Val) -> Res<()> {
        let items = value.elements(self.meter)?;
        if items.len() != targets.len() {
            return fault(format!("{} values for {} names", items.len(), targets.len()));
        }
        targets.iter().zip(items).try_for_each(|(target, item)| self.assign(target, item))
    }

    fn set(&mut self, name: &str, value: Val) -> Res<()> {
        let mut vars = self.scope.vars.borrow_mut();
        self.meter.step(1 + vars.len() / 8)?;
        match vars.iter_mut().find(|(n, _)| &**n == name) {
            Some((_, old)) => *old = value,
            None => {
                self.meter.grow(64 + name.len())?;
                vars.push((name.into(), value));
            }
        }
        Ok(())
    }

    /// The variable, from the innermost block that has it.
    pub(super) fn lookup(&self, name: &str) -> Res<Option<Val>> {
        let mut scope = Some(&self.scope);
        while let Some(here) = scope {
            let vars = here.vars.borrow();
            self.meter.step(1 + vars.len() / 8)?;
            if let Some((_, value)) = vars.iter().find(|(n, _)| &**n == name) {
                return Ok(Some(value.clone()));
            }
            drop(vars);
            scope = here.parent.as_ref();
        }
        Ok(None)
    }
}
