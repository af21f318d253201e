//! Evaluates a template's expressions.

use super::args::Args;
use super::eval::Eval;
use super::meter::{Res, fault};
use super::value::{Val, compare, equal};
use super::{checks, filters, functions, lookup, methods, ops};
use minijinja::machinery::ast::{self, BinOpKind, CallArg, CompareOpKind, Expr, UnaryOpKind};
use minijinja::value::ValueKind;
use std::cmp::Ordering;

impl<'a> Eval<'a> {
    pub(super) fn expr(&mut self, expr: &'a Expr<'a>) -> Res<Val> {
        self.deeper(|eval| eval.expr_here(expr))
    }

    fn expr_here(&mut self, expr: &'a Expr<'a>) -> Res<Val> {
        match expr {
            Expr::Var(var) => Ok(match self.lookup(var.id)? {
                Some(value) => value,
                None => functions::named(var.id).unwrap_or_else(|| Val::undefined(var.id)),
            }),
            Expr::Const(constant) => self.constant(&constant.value),
            Expr::UnaryOp(unary) => {
                let value = self.expr(&unary.expr)?;
                match unary.op {
                    UnaryOpKind::Not => Ok(Val::Bool(!value.is_true())),
                    UnaryOpKind::Neg => ops::negate(&value),
                }
            }
            Expr::BinOp(op) => self.binary(op),
            Expr::Compare(chain) => self.compare_chain(chain),
            Expr::IfExpr(choice) => {
                if self.expr(&choice.test_expr)?.is_true() {
                    self.expr(&choice.true_expr)
                } else {
                    choice.false_expr.as_ref().map_or_else(|| Ok(Val::undefined("")), |e| self.expr(e))
                }
            }
            Expr::GetAttr(attr) => {
                let value = self.expr(&attr.expr)?;
                lookup::attribute(self.meter, &value, attr.name)
            }
            Expr::GetItem(item) => {
                let value = self.expr(&item.expr)?;
                let key = self.expr(&item.subscript_expr)?;
                lookup::item(self.meter, &value, &key)
            }
            Expr::Slice(slice) => {
                let value = self.expr(&slice.expr)?;
                let [start, stop, step] = [&slice.start, &slice.stop, &slice.step]
                    .map(|bound| bound.as_ref().map_or(Ok(Val::None), |e| self.expr(e)));
                lookup::slice(self.meter, &value, &start?, &stop?, &step?)
            }
            Expr::Call(call) => self.call(call, None),
            Expr::Filter(_) => self.filter_expr(expr),
            Expr::Test(test) => {
                // Whether something is defined may be asked about attributes of what is not.
                let value = self.expr(&test.expr)?;
                let args = self.args(&test.args)?;
                Ok(Val::Bool(checks::check(self, test.name, &value, &args)?))
            }
            Expr::List(list) => {
                let items = self.each(&list.items)?;
                Val::list(self.meter, items)
            }
            Expr::Tuple(tuple) => {
                let items = self.each(&tuple.items)?;
                Val::tuple(self.meter, items)
            }
            Expr::Map(map) => {
                let keys = self.each(&map.keys)?;
                let values = self.each(&map.values)?;
                Val::map(self.meter, keys.into_iter().zip(values).collect())
            }
        }
    }

    fn each(&mut self, exprs: &'a [Expr<'a>]) -> Res<Vec<Val>> {
        exprs.iter().map(|e| self.expr(e)).collect()
    }

    fn constant(&self, value: &minijinja::Value) -> Res<Val> {
        if let Some(text) = value.as_str() {
            return Val::str(self.meter, text);
        }
        match value.kind() {
            ValueKind::None => Ok(Val::None),
            ValueKind::Bool => Ok(Val::Bool(value.is_true())),
            ValueKind::Number if value.is_integer() => {
                i128::try_from(value.clone()).map(Val::Int).or_else(|_| fault("a number is too large"))
            }
            ValueKind::Number => {
                f64::try_from(value.clone()).map(Val::Float).or_else(|e| fault(e.to_string()))
            }
            kind => fault(format!("a constant of type {kind}")),
        }
    }

    fn binary(&mut self, op: &'a ast::BinOp<'a>) -> Res<Val> {
        let left = self.expr(&op.left)?;
        match op.op {
            BinOpKind::ScAnd => return if left.is_true() { self.expr(&op.right) } else { Ok(left) },
            BinOpKind::ScOr => return if left.is_true() { Ok(left) } else { self.expr(&op.right) },
            _ => {}
        }
        let right = self.expr(&op.right)?;
        let meter = self.meter;
        match op.op {
            BinOpKind::Add => ops::add(meter, &left, &right),
            BinOpKind::Sub => ops::subtract(&left, &right),
            BinOpKind::Mul => ops::multiply(meter, &left, &right),
            BinOpKind::Div => ops::divide(&left, &right),
            BinOpKind::FloorDiv => ops::floor_divide(&left, &right),
            BinOpKind::Rem => ops::remainder(meter, &left, &right),
            BinOpKind::Pow => ops::power(&left, &right),
            BinOpKind::Concat => ops::concat(meter, &left, &right),
            BinOpKind::Eq => self.compared(CompareOpKind::Eq, &left, &right),
            BinOpKind::Ne => self.compared(CompareOpKind::Ne, &left, &right),
            BinOpKind::Lt => self.compared(CompareOpKind::Lt, &left, &right),
            BinOpKind::Lte => self.compared(CompareOpKind::Lte, &left, &right),
            BinOpKind::Gt => self.compared(CompareOpKind::Gt, &left, &right),
            BinOpKind::Gte => self.compared(CompareOpKind::Gte, &left, &right),
            BinOpKind::In => self.compared(CompareOpKind::In, &left, &right),
            BinOpKind::ScAnd | BinOpKind::ScOr => Ok(left),
        }
    }

    fn compare_chain(&mut self, chain: &'a ast::Compare<'a>) -> Res<Val> {
        let mut left = self.expr(&chain.expr)?;
        for link in &chain.ops {
            let right = self.expr(&link.expr)?;
            let holds = self.compared(link.op, &left, &right)?;
            if !holds.is_true() {
                return Ok(holds);
            }
            left = right;
        }
        Ok(Val::Bool(true))
    }

    fn compared(&self, op: CompareOpKind, left: &Val, right: &Val) -> Res<Val> {
        let meter = self.meter;
        Ok(Val::Bool(match op {
            CompareOpKind::Eq => equal(meter, left, right)?,
            CompareOpKind::Ne => !equal(meter, left, right)?,
            CompareOpKind::Lt => compare(meter, left, right)? == Ordering::Less,
            CompareOpKind::Lte => compare(meter, left, right)? != Ordering::Greater,
            CompareOpKind::Gt => compare(meter, left, right)? == Ordering::Greater,
            CompareOpKind::Gte => compare(meter, left, right)? != Ordering::Less,
            CompareOpKind::In => ops::contains(meter, right, left)?,
            CompareOpKind::NotIn => !ops::contains(meter, right, left)?,
        }))
    }

    fn args(&mut self, exprs: &'a [CallArg<'a>]) -> Res<Args> {
        let mut args = Args::default();
        for arg in exprs {
            match arg {
                CallArg::Pos(e) => args.positional.push(self.expr(e)?),
                CallArg::Kwarg(name, e) => args.named.push(((*name).to_owned(), self.expr(e)?)),
                CallArg::PosSplat(e) => {
                    let items = self.expr(e)?.elements(self.meter)?;
                    args.positional.extend(items);
                }
                CallArg::KwargSplat(e) => match self.expr(e)? {
                    Val::Map(map) => {
                        for (key, value) in &map.entries {
                            let Some(key) = key.as_str() else {
                                return fault("names of arguments are strings");
                            };
                            self.meter.grow(64 + key.len())?;
                            args.named.push((key.to_owned(), value.clone()));
                        }
                    }
                    other => return fault(format!("a {} cannot be spread into arguments", other.kind())),
                },
            }
        }
        Ok(args)
    }

    pub(super) fn call(&mut self, call: &'a ast::Call<'a>, caller: Option<Val>) -> Res<Val> {
        let callee = match &call.expr {
            Expr::GetAttr(attr) => {
                let value = self.expr(&attr.expr)?;
                let callee = lookup::attribute(self.meter, &value, attr.name)?;
                if let Val::Undefined(_) = callee {
                    return fault(format!("a {} has no method {}", value.kind(), attr.name));
                }
                callee
            }
            other => self.expr(other)?,
        };
        let mut args = self.args(&call.args)?;
        if let Some(caller) = caller {
            args.named.push(("caller".into(), caller));
        }
        self.call_value(&callee, args)
    }

    pub(super) fn call_value(&mut self, callee: &Val, args: Args) -> Res<Val> {
        match callee {
            Val::Macro(id) => self.call_macro(*id, args),
            Val::Function(name) => functions::call(self, name, &args),
            Val::Method(bound) => methods::call(self, &bound.0, &bound.1, &args),
            Val::Loop(state) => {
                let items = args.need(0, "items")?.clone();
                self.loop_again(state, &items)
            }
            Val::Undefined(name) => fault(format!("'{name}' is undefined")),
            other => fault(format!("a {} cannot be called", other.kind())),
        }
    }

    /// A filter, or a chain of them, written after an expression.
    fn filter_expr(&mut self, expr: &'a Expr<'a>) -> Res<Val> {
        let Expr::Filter(filter) = expr else { return self.expr(expr) };
        let Some(inner) = &filter.expr else { return fault("a filter of nothing") };
        let value = self.expr(inner)?;
        let args = self.args(&filter.args)?;
        filters::apply(self, filter.name, &value, args)
    }

    /// The filters of a `set` or `filter` block: the innermost takes the block's text.
    pub(super) fn filter_chain(&mut self, expr: &'a Expr<'a>, text: Val) -> Res<Val> {
        let Expr::Filter(filter) = expr else { return fault("no filter") };
        let value = match &filter.expr {
            Some(inner) => self.deeper(|eval| eval.filter_chain(inner, text))?,
            None => text,
        };
        let args = self.args(&filter.args)?;
        filters::apply(self, filter.name, &value, args)
    }
}
