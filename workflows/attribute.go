package workflows

import (
	"go.temporal.io/sdk/temporal"

	"marketdata/activities"
)

// The stages that the MdStage search attribute shows, beside those of package activities.
const (
	stageDone     = "done"
	stageFailed   = "failed"
	stageCanceled = "canceled"
)

func providerKey() temporal.SearchAttributeKeyKeyword {
	return temporal.NewSearchAttributeKeyKeyword("MdProvider")
}

func symbolKey() temporal.SearchAttributeKeyKeyword {
	return temporal.NewSearchAttributeKeyKeyword("MdSymbol")
}

func intervalKey() temporal.SearchAttributeKeyKeyword {
	return temporal.NewSearchAttributeKeyKeyword("MdInterval")
}

func jobKey() temporal.SearchAttributeKeyKeyword {
	return temporal.NewSearchAttributeKeyKeyword("MdJobId")
}

func stageKey() temporal.SearchAttributeKeyKeyword {
	return temporal.NewSearchAttributeKeyKeyword("MdStage")
}

// SearchAttributeNames lists the Keyword search attributes that must be registered before a workflow starts.
func SearchAttributeNames() []string {
	return []string{
		providerKey().GetName(), symbolKey().GetName(), intervalKey().GetName(), jobKey().GetName(), stageKey().GetName(),
	}
}

// chunkAttributes make a chunk findable: "all failed chunks of a provider" is a list query.
func chunkAttributes(c activities.ChunkRef) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(
		providerKey().ValueSet(c.Provider), symbolKey().ValueSet(c.Instrument), intervalKey().ValueSet(string(c.Interval)),
		jobKey().ValueSet(c.JobID), stageKey().ValueSet(activities.StageFetch),
	)
}
