//! Datasets that Glassworks keeps: how a file comes in ([`import`]), what its columns mean ([`roles`]), rows and
//! views of them ([`rows`], [`view`]), changes ([`edit`]), places and tags in rows ([`marks`]), what a model sees of
//! them ([`measure`]), what was found ([`overview`]), changes to many rows at once ([`transform`]), and how they leave
//! ([`export`]).
//!
//! A row is a JSON object. Columns keep the names and the order they came with; a [`Mapping`] says what they mean.
//! Shapes that say the same in other words become one when they come in, see [`import`].

pub mod edit;
pub mod export;
pub mod import;
pub mod marks;
pub mod measure;
pub mod overview;
pub mod roles;
pub mod rows;
mod seam;
pub mod transform;
pub mod view;

pub use roles::{ColumnKind, ColumnRecord, DataTask, Mapping, Role};
pub use rows::{
    DatasetRecord, Made, MadeHow, Row, RowDocument, RowFlags, RowId, RowIssue, RowLine, Split, TurnsLine,
};
pub use seam::{DatasetEdit, DatasetJob, DatasetOutput, DatasetPage, DatasetQuery, DatasetStored};
pub use view::{Filter, Sort, SortKey, ViewSpec};
