//! What may be typed after `glassworks data`.

use clap::{Args, Subcommand, ValueEnum};
use glassworks_protocol::datasets::export::ExportFormat;
use glassworks_protocol::datasets::import::{FileFormat, ReadOptions, TextEncoding, TextRows};
use glassworks_protocol::datasets::roles::{DataTask, Role};
use glassworks_protocol::datasets::rows::Split;
use glassworks_protocol::datasets::transform::{
    CleanSpec, PrivacyAction, PrivacyKind, PrivacySpec, SplitSpec,
};
use std::path::PathBuf;

#[derive(Args)]
pub struct DataArgs {
    #[command(subcommand)]
    pub what: DataCommand,
}

#[derive(Subcommand)]
pub enum DataCommand {
    List(super::args::ListArgs),
    Import(Box<ImportDataArgs>),
    Check(CheckDataArgs),
    Show(ShowDataArgs),
    Split(SplitDataArgs),
    Clean(Box<CleanDataArgs>),
    Privacy(PrivacyDataArgs),
    Export(ExportDataArgs),
}

impl DataCommand {
    /// Whether it changes what is kept.
    #[must_use]
    pub fn writes_home(&self) -> bool {
        match self {
            Self::Import(_) => true,
            Self::Split(args) => !args.dry_run,
            Self::Clean(args) => !args.dry_run,
            Self::Privacy(args) => !args.dry_run,
            Self::List(_) | Self::Check(_) | Self::Show(_) | Self::Export(_) => false,
        }
    }
}

/// How files are read, where that is not found out.
#[derive(Args)]
pub struct ReadingArgs {
    #[arg(long, value_enum, value_name = "FORMAT", hide_possible_values = true)]
    pub format: Option<FormatArg>,
    #[arg(long, value_enum, value_name = "ENCODING", hide_possible_values = true)]
    pub encoding: Option<EncodingArg>,
    #[arg(long, value_name = "CHAR", value_parser = separator)]
    pub separator: Option<char>,
    #[arg(long)]
    pub no_header: bool,
    #[arg(long, value_enum, value_name = "WHAT", hide_possible_values = true)]
    pub text_rows: Option<TextRowsArg>,
    #[arg(long, value_enum, value_name = "TASK", hide_possible_values = true)]
    pub task: Option<TaskArg>,
    #[arg(long = "map", value_name = "ROLE=COLUMN", value_parser = mapped)]
    pub maps: Vec<(Role, String)>,
}

impl ReadingArgs {
    #[must_use]
    pub fn options(&self) -> ReadOptions {
        ReadOptions {
            format: self.format.map(Into::into),
            encoding: self.encoding.map(Into::into),
            separator: self.separator,
            header: self.no_header.then_some(false),
            text_rows: self.text_rows.map(Into::into).unwrap_or_default(),
        }
    }
}

#[derive(Args)]
pub struct ImportDataArgs {
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    #[arg(long, value_name = "NAME", conflicts_with = "into")]
    pub name: Option<String>,
    #[arg(long, value_name = "DATASET")]
    pub into: Option<String>,
    #[arg(long, value_enum, value_name = "SPLIT", hide_possible_values = true)]
    pub split: Option<SplitArg>,
    #[command(flatten)]
    pub reading: ReadingArgs,
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct CheckDataArgs {
    #[arg(value_name = "DATASET")]
    pub data: String,
    #[command(flatten)]
    pub reading: ReadingArgs,
    #[arg(long, value_name = "X", value_parser = near)]
    pub near: Option<f64>,
    #[arg(long)]
    pub strict: bool,
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct ShowDataArgs {
    #[arg(value_name = "DATASET")]
    pub data: String,
    #[command(flatten)]
    pub reading: ReadingArgs,
    #[arg(short = 'n', long, value_name = "N")]
    pub rows: Option<u32>,
    #[arg(long, value_name = "N")]
    pub from: Option<u64>,
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub contains: Option<String>,
    #[arg(long)]
    pub problems: bool,
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct SplitDataArgs {
    #[arg(value_name = "DATASET")]
    pub data: String,
    #[arg(long, value_name = "X", value_parser = part)]
    pub validation: Option<f64>,
    #[arg(long, value_name = "X", value_parser = part)]
    pub test: Option<f64>,
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    #[arg(long)]
    pub no_stratify: bool,
    #[arg(long, value_name = "COLUMN")]
    pub group_by: Option<String>,
    #[arg(long, value_name = "X", value_parser = near)]
    pub near: Option<f64>,
    #[arg(long)]
    pub keep: bool,
    #[arg(long)]
    pub dry_run: bool,
    #[arg(long)]
    pub json: bool,
}

impl SplitDataArgs {
    #[must_use]
    pub fn spec(&self) -> SplitSpec {
        let plain = SplitSpec::default();
        SplitSpec {
            validation: self.validation.unwrap_or(plain.validation),
            test: self.test.unwrap_or(plain.test),
            seed: self.seed.unwrap_or(plain.seed),
            stratify: !self.no_stratify,
            group_by: self.group_by.clone(),
            near: self.near,
            keep: self.keep,
        }
    }
}

#[derive(Args)]
pub struct CleanDataArgs {
    #[arg(value_name = "DATASET")]
    pub data: String,
    #[command(flatten)]
    pub what: CleanWhatArgs,
    #[arg(long)]
    pub dry_run: bool,
    #[arg(long)]
    pub json: bool,
}

/// At least one of them.
#[derive(Args)]
#[group(required = true, multiple = true)]
pub struct CleanWhatArgs {
    #[arg(long)]
    pub trim: bool,
    #[arg(long)]
    pub collapse_spaces: bool,
    #[arg(long)]
    pub nfc: bool,
    #[arg(long)]
    pub strip_control: bool,
    #[arg(long)]
    pub drop_empty: bool,
    #[arg(long)]
    pub drop_without_target: bool,
    #[arg(long)]
    pub drop_duplicates: bool,
    #[arg(long, value_name = "X", value_parser = near)]
    pub drop_near: Option<f64>,
    #[arg(long, value_name = "N")]
    pub at_least: Option<u32>,
    #[arg(long, value_name = "N")]
    pub at_most: Option<u32>,
    #[arg(long, value_name = "REGEX", allow_hyphen_values = true)]
    pub drop_matching: Option<String>,
    #[arg(long, value_name = "REGEX", allow_hyphen_values = true)]
    pub keep_matching: Option<String>,
}

impl CleanWhatArgs {
    #[must_use]
    pub fn spec(&self) -> CleanSpec {
        CleanSpec {
            trim: self.trim,
            collapse_spaces: self.collapse_spaces,
            nfc: self.nfc,
            strip_control: self.strip_control,
            drop_empty: self.drop_empty,
            drop_without_target: self.drop_without_target,
            drop_duplicates: self.drop_duplicates,
            drop_near_duplicates: self.drop_near,
            at_least: self.at_least,
            at_most: self.at_most,
            drop_matching: self.drop_matching.clone(),
            keep_matching: self.keep_matching.clone(),
        }
    }
}

#[derive(Args)]
pub struct PrivacyDataArgs {
    #[arg(value_name = "DATASET")]
    pub data: String,
    #[arg(long, value_enum, value_name = "ACTION", hide_possible_values = true)]
    pub action: ActionArg,
    #[arg(long, value_enum, value_name = "KIND", value_delimiter = ',', hide_possible_values = true)]
    pub kinds: Vec<KindArg>,
    #[arg(long)]
    pub dry_run: bool,
    #[arg(long)]
    pub json: bool,
}

impl PrivacyDataArgs {
    #[must_use]
    pub fn spec(&self) -> PrivacySpec {
        let kinds = match self.kinds.as_slice() {
            [] => PrivacyKind::ALL.to_vec(),
            some => some.iter().map(|kind| (*kind).into()).collect(),
        };
        PrivacySpec { kinds, action: self.action.into() }
    }
}

#[derive(Args)]
pub struct ExportDataArgs {
    #[arg(value_name = "DATASET")]
    pub data: String,
    #[arg(short, long, value_name = "PATH")]
    pub out: PathBuf,
    #[arg(long, value_enum, value_name = "FORMAT", hide_possible_values = true)]
    pub format: Option<ExportArg>,
    #[arg(long)]
    pub replace: bool,
    #[arg(long)]
    pub json: bool,
}

/// Words on the command line for what the protocol calls otherwise.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident => $of:ident { $($variant:ident),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, ValueEnum)]
        pub enum $name {
            $($variant),+
        }

        impl From<$name> for $of {
            fn from(word: $name) -> Self {
                match word {
                    $($name::$variant => Self::$variant),+
                }
            }
        }
    )+};
}

words! {
    FormatArg => FileFormat { Jsonl, Json, Table, Parquet, Text, Conll, Squad }
    EncodingArg => TextEncoding { Utf8, Utf16Le, Utf16Be, Gbk, Latin1 }
    TextRowsArg => TextRows { Paragraph, Line, File }
    TaskArg => DataTask { Chat, Classification, Tagging, QuestionAnswering, Pairs, Preference, Text }
    SplitArg => Split { Train, Validation, Test }
    ActionArg => PrivacyAction { Mask, Pseudonymise, Drop }
    KindArg => PrivacyKind { Email, Phone, Card, Iban, ChineseId, UsSsn, IpAddress, ApiKey }
    ExportArg => ExportFormat { Jsonl, Csv, Parquet, Folder }
}

impl ExportDataArgs {
    /// As asked for, or as the name says.
    #[must_use]
    pub fn format(&self) -> ExportFormat {
        let ending = self.out.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        let by_name = || {
            let same = |format: &ExportFormat| format.ending() == ending.as_deref();
            ExportFormat::ALL.into_iter().find(same).unwrap_or(ExportFormat::Folder)
        };
        self.format.map_or_else(by_name, Into::into)
    }
}

fn separator(text: &str) -> Result<char, String> {
    let mut chars = text.chars();
    match (text, chars.next(), chars.next()) {
        ("\\t" | "tab", ..) => Ok('\t'),
        (_, Some(one), None) => Ok(one),
        _ => Err("\",\" \";\" \"|\" tab".to_owned()),
    }
}

/// A part of the rows: 0 to 0.5.
fn part(text: &str) -> Result<f64, String> {
    within(text, 0.0, 0.5)
}

/// How much two rows have in common: 0.5 to 1.
fn near(text: &str) -> Result<f64, String> {
    within(text, 0.5, 1.0)
}

fn within(text: &str, least: f64, most: f64) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if (least..=most).contains(&x) => Ok(x),
        _ => Err(format!("{least} – {most}")),
    }
}

/// `completion=Answer`
fn mapped(text: &str) -> Result<(Role, String), String> {
    let (role, column) = text.split_once('=').ok_or("ROLE=COLUMN")?;
    let role = serde_json::from_value(serde_json::Value::from(role.trim()));
    Ok((role.map_err(|error| error.to_string())?, column.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read() {
        assert_eq!(separator("tab"), Ok('\t'));
        assert_eq!(separator(";"), Ok(';'));
        assert!(separator(";;").is_err() && separator("").is_err());
        assert_eq!(mapped("completion=My = answer"), Ok((Role::Completion, "My = answer".to_owned())));
        assert!(mapped("completion").is_err() && mapped("nothing=x").is_err());
        assert!(near("0.4").is_err() && near("x").is_err() && part("0.5").is_ok());
    }

    #[test]
    fn a_name_says_what_is_written() {
        let format = |out: &str| {
            let (data, out) = (String::new(), PathBuf::from(out));
            ExportDataArgs { data, out, format: None, replace: false, json: false }.format()
        };
        assert_eq!(format("a.JSONL"), ExportFormat::Jsonl);
        assert_eq!(format("a.parquet"), ExportFormat::Parquet);
        assert_eq!(format("a.csv"), ExportFormat::Csv);
        assert_eq!(format("a"), ExportFormat::Folder);
    }
}
