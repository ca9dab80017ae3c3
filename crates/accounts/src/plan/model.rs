use vocab::ModelName;

use super::{Plan, PlanBook};

impl PlanBook {
    /// Whether `plan` has `model` (rule PLAN-03); if not, the caller is told so by code 1311.
    ///
    /// Without a list of its own a plan has every model that is not one of [`Self::models_not_included`]: the documented
    /// four, and whatever models the operator adds.
    pub fn includes(&self, plan: &Plan, model: &ModelName) -> bool {
        if plan.extra_models.contains(model) {
            return true;
        }
        match &plan.allowed_models {
            Some(allowed) => allowed.contains(model),
            None => !self.models_not_included().contains(model),
        }
    }

    /// Whether `plan` has `model` for the vision tools, which plans pay for even where the model itself is not on them
    /// (rule MCPQ-04).
    pub fn includes_for_vision_tools(&self, plan: &Plan, model: &ModelName) -> bool {
        self.vision_tool_models().contains(model) || self.includes(plan, model)
    }
}
