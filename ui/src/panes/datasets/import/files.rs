//! The files that would come in, and how they are read: as found, or as a person says.

use super::ImportState;
use crate::host::{FileKind, FileRequest};
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::units;
use crate::widgets::{self, Button, Select, icon_button};
use egui::{ScrollArea, Ui};
use glassworks_protocol::datasets::import::{
    FileFormat, FoundFile, ImportPreview, ImportSource, TextEncoding, TextRows,
};
use std::path::PathBuf;

const FORMATS: [FileFormat; 7] = [
    FileFormat::Jsonl,
    FileFormat::Json,
    FileFormat::Table,
    FileFormat::Parquet,
    FileFormat::Text,
    FileFormat::Conll,
    FileFormat::Squad,
];
const ENCODINGS: [TextEncoding; 5] = [
    TextEncoding::Utf8,
    TextEncoding::Utf16Le,
    TextEncoding::Utf16Be,
    TextEncoding::Gbk,
    TextEncoding::Latin1,
];
const SEPARATORS: [char; 4] = [',', '\t', ';', '|'];

pub fn format_word(cx: &PaneCx, format: FileFormat) -> String {
    cx.t(match format {
        FileFormat::Jsonl => "datasets.format_jsonl",
        FileFormat::Json => "datasets.format_json",
        FileFormat::Table => "datasets.format_table",
        FileFormat::Parquet => "datasets.format_parquet",
        FileFormat::Text => "datasets.format_text",
        FileFormat::Conll => "datasets.format_conll",
        FileFormat::Squad => "datasets.format_squad",
    })
}

fn encoding_word(encoding: TextEncoding) -> &'static str {
    match encoding {
        TextEncoding::Utf8 => "UTF-8",
        TextEncoding::Utf16Le => "UTF-16 LE",
        TextEncoding::Utf16Be => "UTF-16 BE",
        TextEncoding::Gbk => "GBK",
        TextEncoding::Latin1 => "Latin-1",
    }
}

fn separator_word(cx: &PaneCx, separator: char) -> String {
    match separator {
        ',' => cx.t("datasets.separator_comma"),
        '\t' => cx.t("datasets.separator_tab"),
        ';' => cx.t("datasets.separator_semicolon"),
        other => other.to_string(),
    }
}

impl ImportState {
    pub(super) fn files_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        ui.spacing_mut().item_spacing.y = 6.0;
        let height = (ui.available_height() - 220.0).max(90.0);
        widgets::semibold(ui, cx.t("datasets.import_files"));
        let preview = self.preview.clone();
        ScrollArea::vertical().id_salt("import files").max_height(height).auto_shrink([false, true]).show(
            ui,
            |ui| {
                ui.spacing_mut().item_spacing.y = 4.0;
                self.sources_ui(ui, cx, preview.as_deref());
            },
        );
        self.more_ui(ui, cx);
        widgets::section(ui, cx.t("datasets.import_read_as"));
        self.options_ui(ui, cx, preview.as_deref());
    }

    fn sources_ui(&mut self, ui: &mut Ui, cx: &PaneCx, preview: Option<&ImportPreview>) {
        let mut remove = None;
        if let Some(ImportSource::Files(paths)) = &self.source
            && paths.len() > 1
        {
            for (at, path) in paths.iter().enumerate() {
                ui.horizontal(|ui| {
                    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
                    let words = cx.tf("datasets.import_without", &[("name", &name)]);
                    if icon_button(ui, icons::X, words).clicked() {
                        remove = Some(at);
                    }
                    widgets::truncated(ui, Type::Body.text(name, cx.theme.tokens.text_1));
                });
            }
        }
        if let (Some(at), Some(ImportSource::Files(paths))) = (remove, &mut self.source) {
            paths.remove(at);
        }
        let Some(preview) = preview else { return };
        for file in &preview.files {
            file_ui(ui, cx, file);
        }
        if !preview.passed_over.is_empty() {
            let n = preview.passed_over.len();
            let response = widgets::hint(ui, cx.tf("datasets.passed_over", &[("n", &n)]));
            response.on_hover_text(preview.passed_over.join("\n"));
        }
    }

    /// One more file beside those that are there.
    fn more_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        if !matches!(self.source, Some(ImportSource::Files(_))) {
            return;
        }
        if Button::quiet(cx.t("datasets.one_more_file")).icon(icons::PLUS).small().show(ui).clicked() {
            let filter = Some((cx.t("datasets.files_with_rows"), super::ENDINGS.map(str::to_owned).to_vec()));
            let title = cx.t("datasets.import_title");
            let request = FileRequest { kind: FileKind::Open, title, suggested: String::new(), filter };
            self.picking = Some(cx.pick(request));
        }
    }

    /// What is not as it was found.
    fn options_ui(&mut self, ui: &mut Ui, cx: &PaneCx, preview: Option<&ImportPreview>) {
        let width = ui.available_width();
        let found = preview.and_then(|preview| preview.files.first());
        let as_found = |words: Option<String>| match words {
            Some(words) => cx.tf("datasets.as_found_is", &[("what", &words)]),
            None => cx.t("datasets.as_found"),
        };
        let mut formats = vec![(None, as_found(found.map(|file| format_word(cx, file.format))))];
        formats.extend(FORMATS.map(|format| (Some(format), format_word(cx, format))));
        let name = cx.t("datasets.option_format");
        Select::new(&name).width(width).show(ui, &mut self.options.format, &formats);
        let format = self.options.format.or(found.map(|file| file.format));
        if format != Some(FileFormat::Parquet) {
            let word = found.and_then(|file| file.encoding).map(|one| encoding_word(one).to_owned());
            let mut encodings = vec![(None, as_found(word))];
            encodings.extend(ENCODINGS.map(|one| (Some(one), encoding_word(one).to_owned())));
            let name = cx.t("datasets.option_encoding");
            Select::new(&name).width(width).show(ui, &mut self.options.encoding, &encodings);
        }
        if format == Some(FileFormat::Table) {
            self.table_options(ui, cx, found, &as_found);
        }
        if format == Some(FileFormat::Text) {
            let all = [
                (TextRows::Paragraph, cx.t("datasets.text_rows_paragraph")),
                (TextRows::Line, cx.t("datasets.text_rows_line")),
                (TextRows::File, cx.t("datasets.text_rows_file")),
            ];
            let name = cx.t("datasets.option_text_rows");
            Select::new(&name).width(width).show(ui, &mut self.options.text_rows, &all);
        }
    }

    fn table_options(
        &mut self,
        ui: &mut Ui,
        cx: &PaneCx,
        found: Option<&FoundFile>,
        as_found: &dyn Fn(Option<String>) -> String,
    ) {
        let width = ui.available_width();
        let word = found.and_then(|file| file.separator).map(|one| separator_word(cx, one));
        let mut separators = vec![(None, as_found(word))];
        separators.extend(SEPARATORS.map(|one| (Some(one), separator_word(cx, one))));
        let name = cx.t("datasets.option_separator");
        Select::new(&name).width(width).show(ui, &mut self.options.separator, &separators);
        let header = |on: bool| cx.t(if on { "datasets.header_yes" } else { "datasets.header_no" });
        let mut headers = vec![(None, as_found(found.and_then(|file| file.header).map(header)))];
        headers.extend([true, false].map(|on| (Some(on), header(on))));
        let name = cx.t("datasets.option_header");
        Select::new(&name).width(width).show(ui, &mut self.options.header, &headers);
    }
}

/// A file in two lines: its name; what it was found to be.
fn file_ui(ui: &mut Ui, cx: &PaneCx, file: &FoundFile) {
    let t = cx.theme.tokens;
    let name = PathBuf::from(&file.name);
    let name = name.to_string_lossy().into_owned();
    widgets::truncated(ui, Type::Body.text(name, t.text_1));
    let mut parts = vec![format_word(cx, file.format)];
    parts.extend(file.compression.clone());
    parts.extend(file.encoding.map(|one| encoding_word(one).to_owned()));
    parts.extend(file.separator.map(|one| separator_word(cx, one)));
    parts.push(units::size(file.n_bytes));
    parts.extend(file.split.map(|split| super::super::cells::split_word(cx, Some(split))));
    widgets::truncated(ui, Type::Hint.text(parts.join(" · "), t.text_3));
}
