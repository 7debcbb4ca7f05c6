"""The league: tools that people use to de-identify images, run on one cohort and measured by the audit."""
