use std::sync::Arc;

use accounts::{
    AccountState, Caller, Conduct, EndUserId, EndUsers, HeldPlan, PlanBook, RateOverrides, Restriction,
    Sighting, Standing, Standings, Turn, Verdict,
};
use inference::{ChatRequest, Message};
use ledger::{Exhausted, Extras, Pool, PoolKind, PriceBooks, Units};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use vocab::{AccountId, InForce, ModelName, RequestId, Timestamp, Tokens};

use crate::key_spending::KeyReservation;
use crate::payment::Payment;
use crate::{
    Door, Finding, KeySpending, Leases, Limits, ModelCard, MoneyRefused, Overflow, Permit, PermitRequest,
    Permits, Queued, QuotaRefused, RateRules, Refusal, Scope, ToolName,
};

/// An answer shorter than this is not worth a start: with less money than it costs the request is refused.
const OUTPUT_TOKENS_LEAST: Tokens = Tokens(16);

/// The most output that money is set aside for when nothing else bounds it.
const OUTPUT_TOKENS_MOST: Tokens = Tokens(131_072);

/// The longest prompt of any model, for what has no other bound.
const PROMPT_TOKENS_MOST: Tokens = Tokens(1 << 20);

/// Decides whether a request may run, and sets aside what it will use: everything, or nothing.
///
/// The cheapest refusal comes first. What is asked on the way is at most a second old, or is leased by this node: as a
/// rule no store is asked.
pub struct Admissions {
    /// What accounts may do.
    pub standings: Arc<Standings>,
    /// Plans and their quota.
    pub plans: Arc<InForce<PlanBook>>,
    /// Prices.
    pub prices: Arc<InForce<PriceBooks>>,
    /// The platform's own limits.
    pub rates: Arc<InForce<RateRules>>,
    /// How much runs at once and how often.
    pub permits: Arc<dyn Permits>,
    /// The same permits, for requests that wait their turn (rule RATE-03).
    pub queue: Queued<Arc<dyn Permits>>,
    /// Money and quota.
    pub leases: Leases,
    /// Who uses plans in ways they are not for.
    pub conduct: Arc<Conduct>,
    /// End users who are blocked.
    pub end_users: Arc<EndUsers>,
    /// What keys have spent.
    pub key_spending: KeySpending,
    /// For what nobody waits for.
    pub tracker: TaskTracker,
}

/// A request that wants to run.
pub(crate) struct Applicant<'a> {
    pub(crate) id: &'a RequestId,
    pub(crate) caller: &'a Caller,
    pub(crate) door: Door,
    pub(crate) client: &'a Finding,
    pub(crate) card: &'a ModelCard,
    pub(crate) at: Timestamp,
}

/// What a request was given.
pub(crate) struct Given {
    pub(crate) permit: Permit,
    pub(crate) payment: Payment,
}

impl Given {
    /// Where nothing is counted.
    pub(crate) fn unlimited() -> Self {
        Self { permit: Permit::unlimited(), payment: Payment::Nobody }
    }
}

impl Admissions {
    /// Lets the request in. Where the balance, or what its key may still spend, covers less than it asks for, its
    /// `max_tokens` is lowered to what is covered.
    pub(crate) async fn admit(
        &self,
        applicant: &Applicant<'_>,
        request: &mut ChatRequest,
    ) -> Result<Given, Refusal> {
        let Applicant { caller, door, client, card, at, .. } = *applicant;
        caller.scope.allows_model(&card.name)?;
        let standing = self.standings.of(caller.account).await.map_err(Refusal::unavailable)?;
        let standing = standing.ok_or(Refusal::Account(AccountState::Closed))?;
        let throttle = self.may_call(&standing, at)?;
        self.may_be_called_for(caller.account, request).await?;

        let plans = self.plans.current();
        let plan = if client.draws_on_plan(door) { self.plan(&standing, applicant, &plans)? } else { None };
        let rates = self.rates.current();
        may_have_model(&rates, applicant, plan.is_some())?;
        let permit = self.permit(applicant, &rates, &plans, plan, &standing.rates, throttle).await?;
        let payment = match plan {
            Some(plan) => self.charge_plan(plan, &plans, &card.name, at, turn(request)).await?,
            None => self.charge_balance(caller, card, at, request).await?,
        };
        Ok(Given { permit, payment })
    }

    fn may_call(&self, standing: &Standing, at: Timestamp) -> Result<Option<u32>, Refusal> {
        if standing.state != AccountState::Active {
            return Err(Refusal::Account(standing.state));
        }
        match standing.restriction_at(at) {
            None => Ok(None),
            Some(Restriction::Throttled { calls_per_minute, .. }) => Ok(Some(*calls_per_minute)),
            Some(Restriction::Suspended { .. }) => Err(Refusal::Account(AccountState::Locked)),
            Some(Restriction::Banned { .. }) => Err(Refusal::Account(AccountState::Irregular)),
        }
    }

    async fn may_be_called_for(&self, account: AccountId, request: &ChatRequest) -> Result<(), Refusal> {
        let Some(id) = &request.user_id else { return Ok(()) };
        // What is no id of an end user cannot be blocked.
        let Ok(end_user) = id.parse::<EndUserId>() else { return Ok(()) };
        if self.end_users.is_blocked(account, &end_user).await {
            return Err(Refusal::EndUserBlocked(id.clone()));
        }
        Ok(())
    }

    /// The plan that pays. `None` only where the balance may pay instead: nobody is refused at the general door for
    /// having no plan.
    fn plan<'a>(
        &self,
        standing: &'a Standing,
        applicant: &Applicant<'_>,
        plans: &'a PlanBook,
    ) -> Result<Option<HeldPlan<'a>>, Refusal> {
        let Applicant { door, client, card, at, .. } = *applicant;
        let held = match standing.plan_at(at, plans) {
            Ok(held) => held,
            Err(_) if door == Door::General => return Ok(None),
            Err(why) => return Err(Refusal::NoPlan { why, code: plans.no_plan_code() }),
        };
        let is_included = match door {
            Door::General => plans.includes_for_vision_tools(held.plan, &card.name),
            Door::Coding | Door::Anthropic => plans.includes(held.plan, &card.name),
        };
        if !is_included {
            return Err(Refusal::NotInPlan(card.name.clone()));
        }
        match self.conduct.rules().judge(client.tool.as_ref().map(ToolName::as_str), client.is_plain_sdk) {
            Verdict::Allowed => {}
            Verdict::Noted => self.witness(applicant),
            Verdict::Refused => {
                self.witness(applicant);
                return Err(Refusal::FairUse);
            }
        }
        Ok(Some(held))
    }

    /// Notes how a plan is used. The request does not wait for it.
    fn witness(&self, applicant: &Applicant<'_>) {
        let sighting = Sighting {
            account: applicant.caller.account,
            key: applicant.caller.key,
            request: applicant.id.clone(),
            door: applicant.door.as_str().to_owned(),
            client: applicant.client.seen_client(),
        };
        let conduct = self.conduct.clone();
        self.tracker.spawn(async move {
            if let Err(error) = conduct.witness(&sighting).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "the use of a plan was not noted");
            }
        });
    }

    async fn permit(
        &self,
        applicant: &Applicant<'_>,
        rates: &RateRules,
        plans: &PlanBook,
        plan: Option<HeldPlan<'_>>,
        overrides: &RateOverrides,
        throttle: Option<u32>,
    ) -> Result<Permit, Refusal> {
        let Applicant { caller, card, at, .. } = *applicant;
        let mut asked = PermitRequest::new();
        let (scope, limits) = match plan {
            Some(plan) => {
                let concurrency = Some(plans.concurrency_at(plan.plan, at, rates.load()));
                (format!("{}/plan", caller.account), Limits { concurrency, ..Limits::default() })
            }
            None => (caller.account.to_string(), rates.account),
        };
        let limits = overridden(limits, overrides);
        if limits != Limits::default() {
            asked = asked.within(Scope::new(&scope), limits);
        }
        if rates.key != Limits::default() {
            asked = asked.within(Scope::new(&caller.key.to_string()), rates.key);
        }
        if let Some(limits) = rates.models.get(&card.name) {
            asked = asked.within(Scope::new(&format!("{}/{}", caller.account, card.name)), *limits);
        }
        let fair_use = throttle.map(|_| Scope::new(&format!("{}/fair-use", caller.account)));
        if let Some(scope) = &fair_use {
            let limits = Limits { requests_per_minute: throttle, ..Limits::default() };
            asked = asked.within(scope.clone(), limits);
        }
        if asked.is_unlimited() {
            return Ok(Permit::unlimited());
        }
        let acquired = match rates.overflow {
            Overflow::Reject => self.permits.acquire(&asked).await,
            Overflow::Queue => match timeout(rates.wait_max(), self.queue.acquire(&asked)).await {
                Ok(answer) => answer,
                // A last try says what stands in the way.
                Err(_) => self.permits.acquire(&asked).await,
            },
        };
        acquired.map_err(|denied| match &fair_use {
            Some(scope) if denied.scope == *scope => Refusal::FairUse,
            _ => Refusal::Limited(denied),
        })
    }

    async fn charge_plan(
        &self,
        held: HeldPlan<'_>,
        plans: &PlanBook,
        model: &ModelName,
        at: Timestamp,
        turn: Turn,
    ) -> Result<Payment, Refusal> {
        let pool = Pool { subscription: held.subscription.id, kind: PoolKind::Prompts };
        let units = plans.units_for(model, at, turn);
        let limits = plans.windows(held.plan, held.subscription, PoolKind::Prompts, at);
        if units == Units::ZERO || limits.is_empty() {
            return Ok(Payment::Nobody);
        }
        match self.leases.reserve_quota(pool, &limits, units).await {
            Ok(reserved) => Ok(Payment::by_plan(reserved, pool, &limits)),
            Err(QuotaRefused::Exhausted(Exhausted { window, resets })) => {
                Err(Refusal::UsedUp { window, resets, zone: plans.quota().time_zone })
            }
            Err(error @ QuotaRefused::Unavailable) => Err(Refusal::unavailable(error)),
        }
    }

    async fn charge_balance(
        &self,
        caller: &Caller,
        card: &ModelCard,
        at: Timestamp,
        request: &mut ChatRequest,
    ) -> Result<Payment, Refusal> {
        let prices = self.prices.current().at(at).clone();
        let extras = Extras::default();
        let window = card.context_window.unwrap_or(PROMPT_TOKENS_MOST);
        let prompt = request.prompt_ceiling().unwrap_or(window).min(window);
        let output = request.max_tokens.map_or(OUTPUT_TOKENS_MOST, |most| Tokens(most.into()));
        let costs =
            |output| prices.ceiling(&card.name, prompt, output, &extras).map_err(|_| Refusal::Unpriceable);
        let want = costs(output)?;
        if !want.is_positive() {
            return Ok(Payment::Nobody);
        }

        let least = costs(output.min(OUTPUT_TOKENS_LEAST))?;
        let mut of_key = self.key_spending.reserve(caller, want, least).await?;
        let may_cost = of_key.as_ref().map_or(want, KeyReservation::amount);
        let reserved = match self.leases.reserve_money(caller.account, may_cost, least).await {
            Ok(reserved) => reserved,
            Err(MoneyRefused::NoMoney { available }) => {
                return Err(Refusal::InsufficientBalance { available });
            }
            Err(error @ MoneyRefused::Unavailable) => return Err(Refusal::unavailable(error)),
        };
        if let Some(of_key) = &mut of_key {
            of_key.shrink_to(reserved.amount());
        }
        if reserved.amount() < want
            && let Some(affordable) = prices.affordable_output(&card.name, prompt, &extras, reserved.amount())
        {
            let affordable = u32::try_from(affordable.min(output).0).unwrap_or(u32::MAX);
            request.max_tokens = Some(affordable.max(1));
        }
        Ok(Payment::Balance { reserved, prices, of_key })
    }
}

/// Rules ERR-10 and RATE-06. Only plans serve some tools after others: who pays for each call is served as anyone.
fn may_have_model(rates: &RateRules, applicant: &Applicant<'_>, is_on_plan: bool) -> Result<(), Refusal> {
    let name = &applicant.card.name;
    if let Some(other) = rates.busy.get(name) {
        return Err(Refusal::ModelBusy { other: other.clone() });
    }
    if is_on_plan && applicant.client.gives_way(rates.load()) {
        return Err(Refusal::GivesWay);
    }
    Ok(())
}

fn overridden(limits: Limits, overrides: &RateOverrides) -> Limits {
    Limits {
        concurrency: overrides.concurrency.or(limits.concurrency),
        requests_per_minute: overrides.requests_per_minute.or(limits.requests_per_minute),
        tokens_per_minute: overrides.tokens_per_minute.or(limits.tokens_per_minute),
        requests_per_day: overrides.requests_per_day.or(limits.requests_per_day),
    }
}

/// Whether the user speaks or a tool's result goes back. Some tools put further instructions after either.
fn turn(request: &ChatRequest) -> Turn {
    match request.messages.iter().rfind(|message| !matches!(message, Message::System { .. })) {
        Some(Message::Tool { .. }) => Turn::Continues,
        _ => Turn::Begins,
    }
}
