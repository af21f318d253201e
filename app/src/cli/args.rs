//! What may be typed. The words that explain it are in the language tables, under `cli.help.`.

use super::data_args::DataArgs;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use glassworks_protocol::generate::{
    BeamSpec, EarlyStopping, MAX_BEAMS, MirostatSpec, SamplingPreset, SamplingSpec,
};
use glassworks_protocol::model::{CacheWidth, Precision};
use glassworks_protocol::text::Text;
use glassworks_protocol::train::SaveType;
use glassworks_protocol::{Failure, FailureKind};
use std::path::PathBuf;

#[derive(Parser)]
#[command(name = "glassworks", version, disable_help_subcommand = true)]
pub struct Cli {
    #[arg(long, global = true, value_name = "DIR")]
    pub home: Option<PathBuf>,
    #[arg(short, long, global = true)]
    pub verbose: bool,
    #[arg(long, value_name = "FILE", num_args = 0..)]
    pub open: Vec<PathBuf>,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Subcommand)]
pub enum Command {
    Generate(Box<GenerateArgs>),
    Inspect(InspectArgs),
    Bench(BenchArgs),
    Models(ModelsArgs),
    Train(TrainArgs),
    Runs(RunsArgs),
    Merge(MergeArgs),
    Predict(PredictArgs),
    Data(DataArgs),
    Tour(TourArgs),
    Completions(CompletionsArgs),
}

impl Command {
    /// Whether it needs the home folder to itself.
    #[must_use]
    pub fn writes_home(&self) -> bool {
        match self {
            Self::Data(args) => args.what.writes_home(),
            Self::Models(args) => matches!(args.what, ModelsCommand::Import(_)),
            Self::Train(_) => true,
            _ => false,
        }
    }
}

#[derive(Args)]
pub struct GenerateArgs {
    #[arg(short, long, value_name = "MODEL")]
    pub model: String,
    #[arg(long, value_name = "DIR")]
    pub adapter: Option<PathBuf>,
    #[arg(long, value_name = "X", requires = "adapter", value_parser = strength)]
    pub strength: Option<f32>,
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true)]
    pub prompt: String,
    #[arg(long)]
    pub chat: bool,
    #[arg(long, value_name = "TEXT", requires = "chat", allow_hyphen_values = true)]
    pub system: Option<String>,
    #[command(flatten)]
    pub sampling: SamplingArgs,
    #[arg(
        long,
        value_enum,
        value_name = "PRECISION",
        default_value = "exact",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub precision: PrecisionArg,
    #[arg(
        long,
        value_enum,
        value_name = "WIDTH",
        default_value = "full",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub cache: CacheArg,
    #[arg(long)]
    pub json: bool,
}

/// Left out, each means what [`SamplingPreset::Steady`] says.
#[derive(Args)]
pub struct SamplingArgs {
    #[arg(short = 'n', long, value_name = "N")]
    pub max_new_tokens: Option<u32>,
    #[arg(short, long, value_name = "T", allow_negative_numbers = true)]
    pub temperature: Option<f32>,
    #[arg(long, value_name = "K")]
    pub top_k: Option<u32>,
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    pub top_p: Option<f32>,
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    pub min_p: Option<f32>,
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    pub typical_p: Option<f32>,
    #[arg(
        long,
        value_name = "TAU",
        allow_negative_numbers = true,
        requires = "temperature",
        conflicts_with_all = ["top_k", "top_p", "min_p", "typical_p"]
    )]
    pub mirostat: Option<f32>,
    #[arg(long, value_name = "ETA", allow_negative_numbers = true, requires = "mirostat")]
    pub mirostat_eta: Option<f32>,
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_BEAMS)),
        conflicts_with_all = ["temperature", "top_k", "top_p", "min_p", "typical_p", "mirostat"]
    )]
    pub num_beams: Option<u32>,
    #[arg(long, value_name = "X", allow_negative_numbers = true, requires = "num_beams")]
    pub length_penalty: Option<f32>,
    #[arg(long, value_enum, value_name = "WHEN", hide_possible_values = true, requires = "num_beams")]
    pub early_stopping: Option<EarlyStoppingArg>,
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub repetition_penalty: Option<f32>,
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub frequency_penalty: Option<f32>,
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub presence_penalty: Option<f32>,
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub stop: Vec<String>,
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    #[arg(long)]
    pub ignore_eos: bool,
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    pub json_schema: Option<String>,
}

impl SamplingArgs {
    /// # Errors
    /// `Failure` when the file with the schema cannot be read.
    pub fn spec(&self) -> Result<SamplingSpec, Failure> {
        let plain = SamplingPreset::Steady.spec();
        Ok(SamplingSpec {
            temperature: self.temperature.unwrap_or(plain.temperature),
            top_k: self.top_k,
            top_p: self.top_p,
            min_p: self.min_p,
            typical_p: self.typical_p,
            mirostat: self.mirostat.map(|tau| MirostatSpec {
                tau,
                eta: self.mirostat_eta.unwrap_or(MirostatSpec::default().eta),
            }),
            beams: self.beams(),
            repetition_penalty: self.repetition_penalty.unwrap_or(plain.repetition_penalty),
            frequency_penalty: self.frequency_penalty.unwrap_or(plain.frequency_penalty),
            presence_penalty: self.presence_penalty.unwrap_or(plain.presence_penalty),
            seed: self.seed,
            stop: self.stop.clone(),
            max_new_tokens: self.max_new_tokens.unwrap_or(plain.max_new_tokens),
            ignore_eos: self.ignore_eos,
            json_schema: self.json_schema.as_deref().map(schema).transpose()?,
        })
    }

    fn beams(&self) -> Option<BeamSpec> {
        let n = self.num_beams.filter(|n| *n > 1)?;
        let plain = BeamSpec::default();
        Some(BeamSpec {
            n,
            length_penalty: self.length_penalty.unwrap_or(plain.length_penalty),
            early_stopping: self.early_stopping.map_or(plain.early_stopping, Into::into),
        })
    }
}

/// In transformers' words.
#[derive(Clone, Copy, ValueEnum)]
pub enum EarlyStoppingArg {
    True,
    False,
    Never,
}

impl From<EarlyStoppingArg> for EarlyStopping {
    fn from(asked: EarlyStoppingArg) -> Self {
        match asked {
            EarlyStoppingArg::True => Self::Yes,
            EarlyStoppingArg::False => Self::No,
            EarlyStoppingArg::Never => Self::Never,
        }
    }
}

/// The schema itself, or the file it stands in.
fn schema(given: &str) -> Result<String, Failure> {
    if given.trim_start().starts_with('{') {
        return Ok(given.to_owned());
    }
    std::fs::read_to_string(given).map_err(|error| {
        Failure::new(FailureKind::Input, Text::new("cli.schema_file").arg("path", given))
            .hint(Text::new("cli.schema_file_hint"))
            .detail(error.to_string())
    })
}

#[derive(Clone, Copy, ValueEnum)]
pub enum PrecisionArg {
    Exact,
    Fast,
}

impl From<PrecisionArg> for Precision {
    fn from(asked: PrecisionArg) -> Self {
        match asked {
            PrecisionArg::Exact => Self::Exact,
            PrecisionArg::Fast => Self::Fast,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub enum CacheArg {
    Full,
    #[value(name = "8bit")]
    Eight,
}

impl From<CacheArg> for CacheWidth {
    fn from(asked: CacheArg) -> Self {
        match asked {
            CacheArg::Full => Self::Full,
            CacheArg::Eight => Self::Eight,
        }
    }
}

#[derive(Args)]
pub struct InspectArgs {
    #[arg(short, long, value_name = "MODEL")]
    pub model: String,
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true)]
    pub prompt: String,
    #[arg(short, long, value_name = "FILE", required_unless_present_any = ["lens", "scores", "ablate"])]
    pub out: Option<PathBuf>,
    #[arg(long)]
    pub lens: bool,
    #[arg(long)]
    pub scores: bool,
    #[arg(long, value_name = "L.H,…", value_delimiter = ',')]
    pub ablate: Vec<HeadArg>,
    #[arg(long)]
    pub json: bool,
}

/// `14.5`: layer and head, both from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadArg {
    pub layer: u32,
    pub head: u32,
}

impl std::str::FromStr for HeadArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('.').and_then(|(layer, head)| layer.parse().ok().zip(head.parse().ok()));
        let (layer, head) = parts.ok_or_else(|| format!("{text} is not LAYER.HEAD"))?;
        Ok(Self { layer, head })
    }
}

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct BenchArgs {
    #[arg(short, long, value_name = "MODEL")]
    pub model: Option<String>,
    #[arg(
        long,
        value_enum,
        value_name = "PRECISION",
        default_value = "exact",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub precision: PrecisionArg,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub threads: Option<u32>,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub prompt: Option<u32>,
    #[arg(long, value_name = "N")]
    pub new: Option<u32>,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub batch: Option<u32>,
    #[arg(long, conflicts_with_all = ["prompt", "new", "batch"])]
    pub quick: bool,
    #[arg(long)]
    pub json: bool,
    #[command(subcommand)]
    pub what: Option<BenchCommand>,
}

#[derive(Subcommand)]
pub enum BenchCommand {
    List(ListArgs),
    Compare(CompareArgs),
}

#[derive(Args)]
pub struct CompareArgs {
    #[arg(value_name = "ID")]
    pub before: String,
    #[arg(value_name = "ID")]
    pub now: String,
}

#[derive(Args)]
pub struct ModelsArgs {
    #[command(subcommand)]
    pub what: ModelsCommand,
}

#[derive(Subcommand)]
pub enum ModelsCommand {
    List(ListArgs),
    Info(InfoArgs),
    Import(ImportArgs),
}

#[derive(Args)]
pub struct ListArgs {
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct InfoArgs {
    #[arg(value_name = "MODEL")]
    pub model: String,
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct ImportArgs {
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct TrainArgs {
    #[arg(value_name = "RECIPE", required_unless_present = "resume", conflicts_with = "resume")]
    pub recipe: Option<PathBuf>,
    #[arg(long, value_name = "RUN")]
    pub resume: Option<String>,
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct RunsArgs {
    #[command(subcommand)]
    pub what: RunsCommand,
}

#[derive(Subcommand)]
pub enum RunsCommand {
    List(ListArgs),
    Show(ShowRunArgs),
    Export(ExportRunArgs),
}

#[derive(Args)]
pub struct ShowRunArgs {
    #[arg(value_name = "RUN")]
    pub run: String,
    #[arg(long, value_name = "N")]
    pub worst: Option<u32>,
    #[arg(long)]
    pub samples: bool,
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct ExportRunArgs {
    #[arg(value_name = "RUN")]
    pub run: String,
    #[arg(short, long, value_name = "FILE", required_unless_present = "html")]
    pub out: Option<PathBuf>,
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

#[derive(Args)]
pub struct MergeArgs {
    #[arg(short, long, value_name = "MODEL")]
    pub model: String,
    #[arg(short, long, value_name = "DIR")]
    pub adapter: PathBuf,
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
    #[arg(long, value_name = "X", value_parser = strength)]
    pub strength: Option<f32>,
    #[arg(
        long,
        value_enum,
        value_name = "TYPE",
        default_value = "f32",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub dtype: DtypeArg,
}

#[derive(Args)]
pub struct PredictArgs {
    #[arg(short, long, value_name = "MODEL", required_unless_present = "run", conflicts_with = "run")]
    pub model: Option<String>,
    #[arg(long, value_name = "DIR", requires = "model")]
    pub adapter: Option<PathBuf>,
    #[arg(short, long, value_name = "RUN")]
    pub run: Option<String>,
    #[arg(short, long, value_name = "FILE")]
    pub data: PathBuf,
    #[arg(short, long, value_name = "NAME")]
    pub column: String,
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true)]
    pub template: Option<String>,
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    #[arg(short = 'n', long, value_name = "N")]
    pub max_new_tokens: Option<u32>,
    #[arg(
        long,
        value_enum,
        value_name = "PRECISION",
        default_value = "exact",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub precision: PrecisionArg,
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum DtypeArg {
    F32,
    F16,
    Bf16,
}

impl From<DtypeArg> for SaveType {
    fn from(asked: DtypeArg) -> Self {
        match asked {
            DtypeArg::F32 => Self::F32,
            DtypeArg::F16 => Self::F16,
            DtypeArg::Bf16 => Self::Bf16,
        }
    }
}

/// How much of an adapter: 0 to 1.
fn strength(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(x) if (0.0..=1.0).contains(&x) => Ok(x),
        _ => Err("0 – 1".to_owned()),
    }
}

#[derive(Args)]
pub struct TourArgs {
    #[arg(short, long, value_name = "DIR", default_value = "glassworks-tour", hide_default_value = true)]
    pub out: PathBuf,
}

#[derive(Args)]
pub struct CompletionsArgs {
    #[arg(value_name = "SHELL", hide_possible_values = true)]
    pub shell: Shell,
}
