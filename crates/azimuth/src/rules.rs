//! What an operator changes while the platform runs: prices, plans, rates, rules of use, models, engines and by what
//! tools are recognised.

use std::sync::Arc;

use accounts::{DocumentName, Documents, InvalidDocument, PlanBook, UseRules};
use gateway::{RateRules, Recogniser, ToolPatterns};
use ledger::{PriceBook, PriceBooks};
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::Store;
use vocab::{Clock, InForce};

use crate::config::{EngineConfig, ModelConfig, check_engines, check_models};

/// The rules in force on this node, and the documents they come from.
#[derive(Clone)]
pub(crate) struct Rules {
    pub(crate) documents: Arc<Documents>,
    pub(crate) prices: Arc<InForce<PriceBooks>>,
    pub(crate) plans: Arc<InForce<PlanBook>>,
    pub(crate) rates: Arc<InForce<RateRules>>,
    pub(crate) use_rules: Arc<InForce<UseRules>>,
    pub(crate) recogniser: Arc<InForce<Recogniser>>,
}

impl Rules {
    pub(crate) async fn open(store: Arc<Store>, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let documents = Documents::new(store, clock)
            .with_validator(DocumentName::Prices, |body| checked(PriceBook::from_sheet(0, body)))
            .with_validator(DocumentName::Plans, |body| checked(PlanBook::from_value(body)))
            .with_validator(DocumentName::Rates, |body| shaped::<RateRules>(body).map(drop))
            .with_validator(DocumentName::UseRules, |body| checked(UseRules::from_json(&body.to_string())))
            .with_validator(DocumentName::Engines, |body| {
                without_mistakes(&shaped::<Vec<_>>(body)?, check_engines)
            })
            .with_validator(DocumentName::Models, |body| {
                without_mistakes(&shaped::<Vec<_>>(body)?, check_models)
            })
            .with_validator(DocumentName::ToolPatterns, |body| recogniser(body).map(drop));
        let rules = Self {
            documents: Arc::new(documents),
            prices: Arc::new(InForce::new(PriceBooks::new(PriceBook::documented()))),
            plans: Arc::new(InForce::new(PlanBook::documented().clone())),
            rates: Arc::default(),
            use_rules: Arc::default(),
            recogniser: Arc::default(),
        };
        // So that the prices a request was charged by are in the history, whatever a later program brings.
        rules.documents.ensure(DocumentName::Prices, PriceBook::documented_sheet(), "azimuth").await?;
        rules.refresh().await?;
        Ok(rules)
    }

    /// Puts what was changed in force here, wherever that was. Says which documents those are.
    pub(crate) async fn refresh(&self) -> anyhow::Result<Vec<DocumentName>> {
        let refreshed = self.documents.refresh().await?;
        for refused in &refreshed.refused {
            tracing::warn!(
                document = %refused.name,
                version = refused.version,
                why = %refused.why,
                "a change is not understood here and not in force; the version before it stays"
            );
        }
        for name in &refreshed.changed {
            self.put_in_force(*name).await?;
        }
        Ok(refreshed.changed)
    }

    /// The document as it is, or as the program brings it.
    pub(crate) fn body(&self, name: DocumentName) -> Value {
        match self.documents.current(name) {
            Some(document) => document.body.clone(),
            None => documented(name),
        }
    }

    async fn put_in_force(&self, name: DocumentName) -> anyhow::Result<()> {
        let body = self.body(name);
        match name {
            DocumentName::Prices => self.put_prices_in_force().await?,
            DocumentName::Plans => self.plans.replace(PlanBook::from_value(&body)?),
            DocumentName::Rates => self.rates.replace(RateRules::from_json(&body.to_string())?),
            DocumentName::UseRules => self.use_rules.replace(UseRules::from_json(&body.to_string())?),
            DocumentName::ToolPatterns => {
                self.recogniser.replace(recogniser(&body).map_err(|why| anyhow::anyhow!(why))?);
            }
            // Whoever serves models builds its catalogue from these.
            DocumentName::Engines | DocumentName::Models => {}
        }
        Ok(())
    }

    /// Old versions too: what was charged by them can be explained by them only.
    async fn put_prices_in_force(&self) -> anyhow::Result<()> {
        let mut books = PriceBooks::new(PriceBook::documented());
        for document in self.documents.every(DocumentName::Prices).await? {
            books.add(PriceBook::from_sheet(document.version, &document.body)?);
        }
        self.prices.replace(books);
        Ok(())
    }

    /// Engines that were added while running.
    pub(crate) fn engines(&self) -> Vec<EngineConfig> {
        engines(&self.body(DocumentName::Engines)).unwrap_or_default()
    }

    /// Models that were mapped while running.
    pub(crate) fn models(&self) -> Vec<ModelConfig> {
        models(&self.body(DocumentName::Models)).unwrap_or_default()
    }
}

fn documented(name: DocumentName) -> Value {
    match name {
        DocumentName::Prices => PriceBook::documented_sheet(),
        DocumentName::Plans => serde_json::from_str(PlanBook::documented_json()).unwrap_or_default(),
        DocumentName::Rates => serde_json::to_value(RateRules::default()).unwrap_or_default(),
        DocumentName::UseRules => serde_json::to_value(UseRules::default()).unwrap_or_default(),
        DocumentName::ToolPatterns => serde_json::to_value(ToolPatterns::default()).unwrap_or_default(),
        DocumentName::Engines | DocumentName::Models => Value::Array(Vec::new()),
    }
}

fn recogniser(body: &Value) -> Result<Recogniser, InvalidDocument> {
    Ok(Recogniser::with(shaped::<ToolPatterns>(body)?)?)
}

fn engines(body: &Value) -> Result<Vec<EngineConfig>, serde_json::Error> {
    serde_json::from_value(body.clone())
}

fn models(body: &Value) -> Result<Vec<ModelConfig>, serde_json::Error> {
    serde_json::from_value(body.clone())
}

/// Reads a document so that a mistake is told with its key.
fn shaped<T: DeserializeOwned>(body: &Value) -> Result<T, InvalidDocument> {
    serde_path_to_error::deserialize(body).map_err(|error| {
        let key = error.path().to_string();
        format!("`{key}`: {}", error.into_inner()).into()
    })
}

fn without_mistakes<T>(listed: &[T], check: fn(&[T], &mut Vec<String>)) -> Result<(), InvalidDocument> {
    let mut mistakes = Vec::new();
    check(listed, &mut mistakes);
    if mistakes.is_empty() { Ok(()) } else { Err(mistakes.join("; ").into()) }
}

fn checked<T, E: std::error::Error + Send + Sync + 'static>(
    read: Result<T, E>,
) -> Result<(), InvalidDocument> {
    read.map(drop).map_err(Into::into)
}
