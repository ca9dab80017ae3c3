use std::sync::Arc;
use std::time::Duration;

use accounts::Caller;
use inference::{CacheScope, ChatRequest, EngineError, Message, Overflow, Part};
use vocab::{Clock, InForce, ModelName, RequestId, Tokens};

use crate::admission::InProgress;
use crate::admissions::{Applicant, Given};
use crate::router::Router;
use crate::tally::Tally;
use crate::{
    Admission, Admissions, Catalogue, Door, Finding, Meter, ModelCard, ModelEntry, ModelKind, Recogniser,
    Refusal, Reply, Signals, ThinkingSupport, UnmappedModel, structured,
};

/// The highest documented temperature, of every model.
const TEMPERATURE_MAX: f32 = 1.0;

/// One request's way in and out.
pub struct Gateway {
    catalogue: InForce<Catalogue>,
    router: Arc<Router>,
    meter: Meter,
    in_progress: InProgress,
    admissions: Option<Arc<Admissions>>,
    recogniser: Arc<InForce<Recogniser>>,
    clock: Arc<dyn Clock>,
    limits: GatewayLimits,
}

/// What the operator may set about requests.
#[derive(Clone, Debug, Default)]
pub struct GatewayLimits {
    /// What happens to numbers above a model's range.
    pub out_of_range: OutOfRange,
    /// Whether all accounts share one context cache. Off, so that cache hits tell nothing about others
    /// (rule CACHE-06).
    pub shared_context_cache: bool,
}

/// What happens to `max_tokens` above a model's maximum, and to temperatures above 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutOfRange {
    /// It becomes the maximum: coding tools ask for more than some models give and must keep working, and OpenAI's
    /// clients know temperatures up to 2.
    #[default]
    Clamp,
    /// It is refused with code 1214, as rules MODEL-01 and MODEL-04 recommend.
    Refuse,
}

/// A chat request as it came through a door.
pub struct ChatCall {
    /// The server's id of the request.
    pub id: RequestId,
    /// The id that the client chose, if any; it must not be under way already (rule ERR-08).
    pub client_request_id: Option<String>,
    /// The door it came through.
    pub door: Door,
    /// Whether the call is repeated until it is answered, as accepted tasks are. Attempts that come to nothing are
    /// then not recorded: the request has one record, that of its ending.
    pub is_repeated: bool,
    /// The program it seems to come from.
    pub client: Finding,
    /// What is asked.
    pub request: ChatRequest,
}

/// Why a chat request was not served.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// Rule ENDP-09.
    #[error("no model is called `{0}`")]
    UnknownModel(ModelName),
    /// The model is documented, but the operator has mapped no engine to it.
    #[error("no engine is mapped to `{0}`")]
    Unmapped(ModelName),
    /// Rule ENDP-10.
    #[error("`{model}` is a model for {kind:?} and does not chat")]
    DoesNotChat {
        /// The model.
        model: ModelName,
        /// What it is for.
        kind: ModelKind,
    },
    /// A field is outside the model's range.
    #[error("`{field}` is out of range: {message}")]
    OutOfRange {
        /// The request's field.
        field: &'static str,
        /// A sentence for the caller.
        message: String,
    },
    /// CAP-CHAT-09.
    #[error("`{model}` takes text only")]
    TextOnly {
        /// The model.
        model: ModelName,
    },
    /// Rule ERR-08.
    #[error("request `{0}` is under way")]
    InProgress(String),
    /// The account may not make it now.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Usage records wait to be written; nothing more is started that could not be recorded.
    #[error("usage cannot be recorded at the moment")]
    MeteringBehind,
    /// No engine answered.
    #[error("engine did not answer")]
    Engine(#[from] EngineError),
}

impl Gateway {
    /// A gateway over `catalogue` that counts what is used, and neither limits it nor charges for it.
    pub fn new(
        catalogue: Arc<Catalogue>,
        meter: Meter,
        clock: Arc<dyn Clock>,
        limits: GatewayLimits,
    ) -> Self {
        Self {
            catalogue: InForce::shared(catalogue),
            router: Arc::new(Router::new()),
            meter,
            in_progress: InProgress::default(),
            admissions: None,
            recogniser: Arc::default(),
            clock,
            limits,
        }
    }

    /// The same gateway, which limits and charges what is used.
    #[must_use]
    pub fn with_admissions(mut self, admissions: Arc<Admissions>) -> Self {
        self.admissions = Some(admissions);
        self
    }

    /// The same gateway, which knows programs as `recogniser` does, whatever is put in force there.
    #[must_use]
    pub fn with_recogniser(mut self, recogniser: Arc<InForce<Recogniser>>) -> Self {
        self.recogniser = recogniser;
        self
    }

    /// Says which program seems to have sent a request.
    pub fn recognise(&self, signals: &Signals<'_>) -> Finding {
        self.recogniser.current().recognise(signals)
    }

    /// The models this gateway serves.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        self.catalogue.current()
    }

    /// Serves other models from now on. Requests under way end as they began.
    pub fn replace_catalogue(&self, catalogue: Catalogue) {
        self.catalogue.replace(catalogue);
    }

    /// Whether nothing is admitted because what was used already cannot be recorded fast enough, or not at all.
    pub fn is_metering_behind(&self) -> bool {
        self.meter.is_overloaded()
    }

    /// Admits, runs and meters one chat request.
    pub async fn chat(&self, caller: &Caller, mut call: ChatCall) -> Result<Reply, ChatError> {
        let model = self.find(&call.request.model)?;
        self.prepare(&model.card, caller, &mut call.request)?;
        let admission = self.admit(caller, &mut call, &model.card).await?;
        let mut tally = Tally::new(admission, self.meter.clone(), self.clock.clone());

        let request = call.request;
        let tool_stream = request.tool_stream;
        let check = structured::Check::wanted(&request, &model.routes);
        match self.router.run(tally.admission(), &model, request).await {
            Ok(running) => {
                let about = running.engine.describe();
                tally.answered_by(about.name);
                let events = match check {
                    Some(check) if !about.constrains_json => check.over(running),
                    _ => running.events,
                };
                Ok(Reply::new(events, about.runs, tool_stream, tally))
            }
            Err(error) => {
                tally.refused(&error);
                Err(with_documented_window(error, &model.card).into())
            }
        }
    }

    /// The request as `chat` would run it: checked, under the model's own name, with its defaults filled in.
    pub fn prepared(&self, caller: &Caller, mut request: ChatRequest) -> Result<ChatRequest, ChatError> {
        let model = self.find(&request.model)?;
        self.prepare(&model.card, caller, &mut request)?;
        Ok(request)
    }

    /// The request as `chat` would run it, if it would run now. Nothing stays set aside.
    pub async fn may_run(
        &self,
        caller: &Caller,
        door: Door,
        client: &Finding,
        id: &RequestId,
        request: ChatRequest,
    ) -> Result<ChatRequest, ChatError> {
        let model = self.find(&request.model)?;
        let request = self.prepared(caller, request)?;
        if let Some(admissions) = &self.admissions {
            let card = &model.card;
            let applicant = Applicant { id, caller, door, client, card, at: self.clock.now() };
            drop(admissions.admit(&applicant, &mut request.clone()).await?);
        }
        Ok(request)
    }

    /// Counts the prompt's tokens as `chat` would, with the served model's own tokenizer.
    pub async fn count_tokens(&self, caller: &Caller, request: ChatRequest) -> Result<Tokens, ChatError> {
        let request = self.prepared(caller, request)?;
        let model = self.find(&request.model)?;
        Ok(self.router.count_tokens(&model, &request).await?)
    }

    /// The canonical name of a model that was asked for by any of its names.
    pub fn canonical_name(&self, name: &ModelName) -> Result<ModelName, ChatError> {
        self.find(name).map(|model| model.card.name.clone())
    }

    fn find(&self, name: &ModelName) -> Result<Arc<ModelEntry>, ChatError> {
        let catalogue = self.catalogue.current();
        catalogue.chat_model(name).cloned().map_err(|why| ChatError::unmapped(name.clone(), why))
    }

    /// Fills in the model's defaults and keeps the request within its limits.
    fn prepare(&self, card: &ModelCard, caller: &Caller, request: &mut ChatRequest) -> Result<(), ChatError> {
        if !card.takes_media && has_media(&request.messages) {
            return Err(ChatError::TextOnly { model: card.name.clone() });
        }

        request.model = card.name.clone();
        request.max_tokens = self.max_tokens(card, request.max_tokens)?;
        request.sampling.temperature = self.temperature(card, request.sampling.temperature)?;
        request.sampling.top_p = request.sampling.top_p.or(card.top_p_default);
        request.thinking.enabled &= card.thinking != ThinkingSupport::None;
        request.tool_stream &= card.tool_stream;
        request.cache_scope = if self.limits.shared_context_cache {
            CacheScope::default()
        } else {
            CacheScope(caller.account.to_string())
        };
        Ok(())
    }

    fn max_tokens(&self, card: &ModelCard, asked: Option<u32>) -> Result<Option<u32>, ChatError> {
        match (asked, card.max_tokens_max) {
            (None, _) => Ok(card.max_tokens_default),
            (Some(asked), Some(most)) if asked > most => match self.limits.out_of_range {
                OutOfRange::Clamp => Ok(Some(most)),
                OutOfRange::Refuse => Err(ChatError::OutOfRange {
                    field: "max_tokens",
                    message: format!("`{}` generates at most {most} tokens", card.name),
                }),
            },
            (asked, _) => Ok(asked),
        }
    }

    fn temperature(&self, card: &ModelCard, asked: Option<f32>) -> Result<Option<f32>, ChatError> {
        match (asked, self.limits.out_of_range) {
            (Some(asked), OutOfRange::Clamp) => Ok(Some(asked.min(TEMPERATURE_MAX))),
            (Some(asked), OutOfRange::Refuse) if asked > TEMPERATURE_MAX => Err(ChatError::OutOfRange {
                field: "temperature",
                message: format!("0.0 to {TEMPERATURE_MAX:.1}"),
            }),
            (asked, _) => Ok(asked.or(card.temperature_default)),
        }
    }

    async fn admit(
        &self,
        caller: &Caller,
        call: &mut ChatCall,
        card: &ModelCard,
    ) -> Result<Admission, ChatError> {
        if self.is_metering_behind() {
            return Err(ChatError::MeteringBehind);
        }
        let in_progress = match &call.client_request_id {
            Some(chosen) => Some(
                self.in_progress
                    .claim(caller.account, chosen)
                    .ok_or_else(|| ChatError::InProgress(chosen.clone()))?,
            ),
            None => None,
        };
        let at = self.clock.now();
        let given = match &self.admissions {
            None => Given::unlimited(),
            Some(admissions) => {
                let applicant =
                    Applicant { id: &call.id, caller, door: call.door, client: &call.client, card, at };
                admissions.admit(&applicant, &mut call.request).await?
            }
        };
        Ok(Admission {
            request: call.id.clone(),
            caller: caller.clone(),
            door: call.door,
            model: card.name.clone(),
            at,
            is_repeated: call.is_repeated,
            in_progress,
            client: std::mem::replace(&mut call.client, Finding::unknown()),
            permit: given.permit,
            payment: given.payment,
        })
    }
}

/// Whether any message holds more than text.
pub fn has_media(messages: &[Message]) -> bool {
    messages.iter().any(|message| match message {
        Message::System { content } | Message::User { content } | Message::Tool { content, .. } => {
            content.iter().any(|part| !matches!(part, Part::Text { .. }))
        }
        Message::Assistant { .. } => false,
    })
}

/// A host that only says "too long" is completed by what the catalogue knows of the model.
fn with_documented_window(error: EngineError, card: &ModelCard) -> EngineError {
    match (error, card.context_window) {
        (EngineError::ContextOverflow(Overflow { prompt, window: Tokens::ZERO }), Some(window)) => {
            EngineError::ContextOverflow(Overflow { prompt: prompt.max(window + Tokens(1)), window })
        }
        (error, _) => error,
    }
}

impl ChatError {
    /// Why nobody is asked for the model `name`.
    pub(crate) fn unmapped(name: ModelName, why: UnmappedModel) -> Self {
        match why {
            UnmappedModel::Unknown => Self::UnknownModel(name),
            UnmappedModel::NoEngine => Self::Unmapped(name),
            UnmappedModel::OtherKind(kind) => Self::DoesNotChat { model: name, kind },
        }
    }

    /// When it may help to try again, if that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Engine(EngineError::Busy { retry_after }) => *retry_after,
            Self::MeteringBehind => Some(Duration::from_secs(1)),
            _ => None,
        }
    }
}
