package market

// BackfillWorkflowID is the id of the workflow behind a backfill: what rows store and Temporal knows.
func BackfillWorkflowID(jobID string) string { return "backfill/" + jobID }

// ChunkWorkflowID is the id of the workflow behind a chunk: its backfill's id and its name.
func ChunkWorkflowID(jobID, chunk string) string { return BackfillWorkflowID(jobID) + "/" + chunk }
