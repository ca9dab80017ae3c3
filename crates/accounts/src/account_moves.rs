use std::sync::Arc;

use vocab::Clock;

use crate::{Account, AccountEvent, AccountState, AuditAction, By, OrganisationError, OrganisationStore};

/// Moves accounts from one state to another (rule AUTH-09), for the operator and, when they close their own, for owners.
pub struct AccountMoves {
    store: Arc<dyn OrganisationStore>,
    clock: Arc<dyn Clock>,
}

impl AccountMoves {
    /// Moves of accounts that are kept in `store`.
    pub fn new(store: Arc<dyn OrganisationStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// Lets `event` happen to an account, and says what it is then. Its keys notice within a second.
    pub async fn change(
        &self,
        account: &Account,
        event: AccountEvent,
        by: &By,
    ) -> Result<AccountState, OrganisationError> {
        if account.is_operator {
            return Err(OrganisationError::IsOperator);
        }
        let to = account.state.after(event)?;
        let audit = by.did(self.clock.now(), account.id, ACCOUNT_CHANGE, account.id).with("state", to.name());
        let is_moved = self.store.organisation_set_state(account.id, account.state, to, &audit).await?;
        if is_moved { Ok(to) } else { Err(OrganisationError::Changed) }
    }
}

const ACCOUNT_CHANGE: AuditAction = AuditAction::named("account.change");
