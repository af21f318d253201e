//! Rotary positions, as configurations spell them.

use super::ConfigJson;
use crate::nn::{RopeConfig, RopeScaling};
use glassworks_protocol::Failure;

/// transformers 5 writes `rope_parameters { rope_theta, rope_type, … }`; 4 wrote `rope_theta` beside
/// `rope_scaling { rope_type, … }`, and before that `rope_scaling { type, … }`.
///
/// # Errors
/// `Failure { Input }` naming the field that can't be honoured.
pub fn read(json: &ConfigJson, head_width: usize) -> Result<RopeConfig, Failure> {
    let (field, parameters) = match json.object("rope_parameters")? {
        Some(parameters) => ("rope_parameters", Some(parameters)),
        None => ("rope_scaling", json.object("rope_scaling")?),
    };
    let theta = json.number_or("rope_theta", 10_000.0)?;
    let Some(parameters) = parameters else {
        return Ok(RopeConfig { theta, width: head_width, scaling: RopeScaling::None });
    };
    for place in [json, &parameters] {
        whole_heads(place)?;
    }
    let theta = parameters.number_or("rope_theta", theta)?;
    Ok(RopeConfig { theta, width: head_width, scaling: scaling(json, &parameters, field)? })
}

/// Refuses a configuration by which only part of a head is turned.
///
/// # Errors
/// `Failure { Input }` naming the field.
pub fn whole_heads(json: &ConfigJson) -> Result<(), Failure> {
    let partial = "partial_rotary_factor";
    if json.number_or(partial, 1.0)? == 1.0 { Ok(()) } else { Err(json.refuse(partial)) }
}

/// `parameters` is the object of `json` called `field`.
///
/// # Errors
/// `Failure { Input }` naming the field that can't be honoured.
pub fn scaling(json: &ConfigJson, parameters: &ConfigJson, field: &str) -> Result<RopeScaling, Failure> {
    let kind = match parameters.text("rope_type")? {
        Some(kind) => Some(kind),
        None => parameters.text("type")?,
    };
    let scaling = match kind {
        Some("default") => RopeScaling::None,
        None if field == "rope_parameters" => RopeScaling::None,
        Some("linear") => RopeScaling::Linear { factor: parameters.number_or("factor", None)? },
        Some("llama3") => RopeScaling::Llama3 {
            factor: parameters.number_or("factor", None)?,
            low_freq_factor: parameters.number_or("low_freq_factor", None)?,
            high_freq_factor: parameters.number_or("high_freq_factor", None)?,
            original_context_length: match parameters.get("original_max_position_embeddings") {
                Some(_) => parameters.size("original_max_position_embeddings")?,
                None => json.size("original_max_position_embeddings")?,
            },
        },
        // dynamic, yarn, longrope: they depend on the length of the text or change the scores' scale.
        _ => return Err(json.refuse(field)),
    };
    if scaling.is_sound() { Ok(scaling) } else { Err(json.refuse(field)) }
}
