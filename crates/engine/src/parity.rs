//! The engine computes what the reference implementation computes.

use std::fs;
use std::path::Path;

use inference::prompt::{Prompt, Segment};
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::token::LlamaToken;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::load::{ContextShape, context_parameters};
use crate::settings::{FlashAttention, KvType, Settings};
use crate::system::backend;
use crate::tokens::Vocabulary;

/// What `tools/tiny-models/golden.py` wrote.
#[derive(Deserialize)]
struct Golden {
    text: String,
    ids: Vec<i32>,
    /// By position in the prompt.
    logits: BTreeMap<String, Vec<f32>>,
    greedy: Vec<i32>,
}

const TOLERANCE: f32 = 1e-4;

fn compare(name: &str) {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let golden = fs::read_to_string(tests.join(format!("golden/{name}.json"))).unwrap();
    let golden: Golden = serde_json::from_str(&golden).unwrap();
    let path = tests.join(format!("models/{name}.gguf"));
    let model = LlamaModel::load_from_file(backend().unwrap(), path, &LlamaModelParams::default())
        .map(Arc::new)
        .unwrap();

    let prompt = Prompt { segments: vec![Segment::Template(golden.text)], thinking: true };
    let tokens = Vocabulary::new(model.clone()).tokenise(&prompt, 4_096).unwrap();
    assert_eq!(tokens, golden.ids, "the tokeniser differs");

    let exact =
        Settings { kv_type: KvType::F32, flash_attention: FlashAttention::Off, ..Settings::default() };
    let shape = ContextShape { window: 1_024, sequences: 1, batch_tokens: 512, threads: 1 };
    let mut context = model.new_context(backend().unwrap(), context_parameters(&exact, shape)).unwrap();
    let mut batch = LlamaBatch::new(512, 1);
    for (position, id) in (0..).zip(&tokens) {
        batch.add(LlamaToken(*id), position, &[0], true).unwrap();
    }
    context.decode(&mut batch).unwrap();
    for (position, expected) in &golden.logits {
        let found = context.get_logits_ith(position.parse().unwrap());
        let furthest = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(furthest < TOLERANCE, "{name} differs by {furthest} at position {position}");
    }

    let mut row = i32::try_from(tokens.len()).unwrap() - 1;
    let mut continuation = Vec::new();
    for position in (row + 1..).take(golden.greedy.len()) {
        let logits = context.get_logits_ith(row);
        let best = (0..logits.len()).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap();
        let best = LlamaToken(i32::try_from(best).unwrap());
        continuation.push(best.0);
        batch.clear();
        batch.add(best, position, &[0], true).unwrap();
        context.decode(&mut batch).unwrap();
        row = 0;
    }
    assert_eq!(continuation, golden.greedy);
}

#[test]
fn glm4_computes_what_transformers_computes() {
    compare("tiny-glm4");
}

#[test]
fn glm4_moe_computes_what_transformers_computes() {
    compare("tiny-glm4moe");
}
