//! What a GraphQL document asks for, measured before anything is validated or run.
//!
//! The library's own limits (depth, complexity) are computed by visitors that walk fragments inline:
//! a chain of fragments that spread the next one twice makes them walk 2^n nodes. So the size of the
//! expanded document is counted here first, each fragment once. Nesting is counted on the raw text,
//! because the parser is recursive and a megabyte of `{` would exhaust the stack.

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection,
    SelectionSet,
};
use async_graphql::{Request, SchemaBuilder, ServerError};
use std::collections::HashMap;

/// Bounds on one GraphQL request. List sizes multiply complexity by `#[graphql(complexity = ..)]`.
#[derive(Debug, Clone)]
pub struct Limits {
    pub body_bytes_max: usize,
    pub batch_max: usize,
    pub aliases_max: usize,
    pub depth_max: usize,
    pub complexity_max: usize,
    pub selections_max: usize,
    pub introspection: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 1 << 20,
            batch_max: 10,
            aliases_max: 50,
            // The introspection query of graphql-js is 15 deep.
            depth_max: 16,
            complexity_max: 20_000,
            selections_max: 2_000,
            introspection: true,
        }
    }
}

impl Limits {
    /// Puts the limits which the library enforces itself on a schema.
    pub fn apply<Q, M, S>(&self, builder: SchemaBuilder<Q, M, S>) -> SchemaBuilder<Q, M, S> {
        let builder = builder
            .limit_depth(self.depth_max)
            .limit_complexity(self.complexity_max)
            .limit_recursive_depth(NESTING_MAX)
            .limit_directives(20);
        if self.introspection {
            builder
        } else {
            builder.disable_introspection().disable_suggestions()
        }
    }
}

const NESTING_MAX: usize = 40;

/// Parses the request's document once, checks its size, and says which kind of operation would run.
/// `None`: no such operation; running it makes the library report that.
pub fn inspect(
    request: &mut Request,
    limits: &Limits,
) -> Result<Option<OperationType>, ServerError> {
    if nesting(&request.query) > NESTING_MAX {
        return Err(refusal("The document is nested too deeply."));
    }
    let operation_name = request.operation_name.clone();
    let document = request.parsed_query()?;
    let mut size = Size::of(document);
    let total = size.document()?;
    if total.aliases > limits.aliases_max {
        return Err(refusal("The document uses too many aliases."));
    }
    if total.selections > limits.selections_max {
        return Err(refusal("The document selects too many fields."));
    }
    Ok(operation(document, operation_name.as_deref()).map(|operation| operation.ty))
}

/// The operation that the library would run for this name.
pub fn operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Option<&'a OperationDefinition> {
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Some(&operation.node),
        (DocumentOperations::Single(_), Some(_)) => None,
        (DocumentOperations::Multiple(all), Some(name)) => all.get(name).map(|found| &found.node),
        (DocumentOperations::Multiple(all), None) if all.len() == 1 => {
            all.values().next().map(|only| &only.node)
        }
        (DocumentOperations::Multiple(_), None) => None,
    }
}

fn refusal(message: &str) -> ServerError {
    ServerError::new(message, None)
}

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    selections: usize,
    aliases: usize,
}

impl Count {
    fn add(&mut self, other: Self) {
        self.selections = self.selections.saturating_add(other.selections);
        self.aliases = self.aliases.saturating_add(other.aliases);
    }
}

/// Counts selections as if every fragment were written out, visiting each fragment once.
struct Size<'a> {
    document: &'a ExecutableDocument,
    /// `None` while the fragment is being counted: meeting it again means a cycle.
    fragments: HashMap<&'a str, Option<Count>>,
}

impl<'a> Size<'a> {
    fn of(document: &'a ExecutableDocument) -> Self {
        Self {
            document,
            fragments: HashMap::new(),
        }
    }

    fn document(&mut self) -> Result<Count, ServerError> {
        let document = self.document;
        let mut total = Count::default();
        for (_, operation) in document.operations.iter() {
            total.add(self.set(&operation.node.selection_set.node)?);
        }
        // Unused fragments are walked by validation as well.
        for name in document.fragments.keys() {
            total.add(Count {
                selections: 1,
                aliases: 0,
            });
            self.fragment(name.as_str())?;
        }
        Ok(total)
    }

    fn set(&mut self, set: &'a SelectionSet) -> Result<Count, ServerError> {
        let mut total = Count::default();
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => {
                    total.add(Count {
                        selections: 1,
                        aliases: usize::from(field.node.alias.is_some()),
                    });
                    total.add(self.set(&field.node.selection_set.node)?);
                }
                Selection::InlineFragment(fragment) => {
                    total.add(self.set(&fragment.node.selection_set.node)?);
                }
                Selection::FragmentSpread(spread) => {
                    total.add(self.fragment(spread.node.fragment_name.node.as_str())?);
                }
            }
        }
        Ok(total)
    }

    fn fragment(&mut self, name: &'a str) -> Result<Count, ServerError> {
        match self.fragments.get(name) {
            Some(Some(count)) => return Ok(*count),
            Some(None) => return Err(refusal("Fragments must not form a cycle.")),
            None => {}
        }
        let Some(fragment) = self.document.fragments.get(name) else {
            return Ok(Count::default());
        };
        if self
            .fragments
            .values()
            .filter(|count| count.is_none())
            .count()
            >= NESTING_MAX
        {
            return Err(refusal("Fragments are nested too deeply."));
        }
        self.fragments.insert(name, None);
        let count = self.set(&fragment.node.selection_set.node)?;
        self.fragments.insert(name, Some(count));
        Ok(count)
    }
}

/// The deepest nesting of brackets outside strings and comments.
fn nesting(query: &str) -> usize {
    let bytes = query.as_bytes();
    let (mut at, mut depth, mut deepest) = (0, 0_usize, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' | b'(' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            b'#' => {
                while bytes
                    .get(at + 1)
                    .is_some_and(|b| !matches!(b, b'\n' | b'\r'))
                {
                    at += 1;
                }
            }
            b'"' => at = string_end(bytes, at),
            _ => {}
        }
        at += 1;
    }
    deepest
}

/// Index of the last byte of the string that starts at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    if bytes[start..].starts_with(b"\"\"\"") {
        let mut at = start + 3;
        while at < bytes.len() {
            if bytes[at..].starts_with(b"\\\"\"\"") {
                at += 4;
            } else if bytes[at..].starts_with(b"\"\"\"") {
                return at + 2;
            } else {
                at += 1;
            }
        }
        return at;
    }
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            // A line break ends an unfinished string: the parser will refuse it.
            b'"' | b'\n' | b'\r' => return at,
            _ => {}
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inspected(query: impl Into<String>) -> Result<Option<OperationType>, String> {
        inspect(&mut Request::new(query), &Limits::default()).map_err(|error| error.message)
    }

    #[test]
    fn a_fragment_bomb_is_refused_without_being_expanded() {
        let mut query = String::from("{ ...F0 } fragment F39 on Query { a b }");
        for i in 0..39 {
            query += &format!(" fragment F{i} on Query {{ ...F{0} ...F{0} }}", i + 1);
        }
        assert!(inspected(query).unwrap_err().contains("too"));
    }

    #[test]
    fn a_fragment_cycle_is_refused() {
        let query = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }";
        assert!(inspected(query).unwrap_err().contains("cycle"));
    }

    #[test]
    fn a_megabyte_of_brackets_does_not_reach_the_parser() {
        for bracket in ["{a", "(a:[", "["] {
            let error = inspected(bracket.repeat(300_000)).unwrap_err();
            assert!(error.contains("nested"), "{bracket}");
        }
    }

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        assert_eq!(nesting(r#"{ a(b: "[[[{{{ \" {{") } # {{{{"#), 2);
        assert_eq!(
            nesting("{ a(b: \"\"\"{{{ \\\"\"\" {{ \" {{\"\"\") { c } }"),
            2
        );
        assert_eq!(nesting("# {{{{\n{ a }"), 1);
    }

    #[test]
    fn three_thousand_aliases_are_refused() {
        let fields: String = (0..3000).map(|i| format!("a{i}: __typename ")).collect();
        assert!(
            inspected(format!("{{ {fields} }}"))
                .unwrap_err()
                .contains("aliases")
        );
    }

    #[test]
    fn the_kind_is_that_of_the_named_operation() {
        let document = "query A { a } mutation B { b }";
        let kind = |name: Option<&str>| {
            let mut request = Request::new(document);
            request.operation_name = name.map(str::to_owned);
            inspect(&mut request, &Limits::default()).unwrap()
        };
        assert_eq!(kind(Some("A")), Some(OperationType::Query));
        assert_eq!(kind(Some("B")), Some(OperationType::Mutation));
        assert_eq!(kind(None), None);
        assert_eq!(kind(Some("C")), None);
    }
}
