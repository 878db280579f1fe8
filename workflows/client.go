package workflows

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"marketdata/activities"
	"marketdata/market"
	"marketdata/trace"
)

const (
	callTimeout = 10 * time.Second

	// stuckAttempts is how often a workflow task must have failed in a row before its workflow counts as stuck.
	stuckAttempts = 5
)

// Client starts and steers workflows through Temporal, for the API and for the sweep. It is safe for concurrent use.
// Every method returns unavailable when Temporal cannot be reached.
type Client struct {
	temporal  client.Client
	namespace string
	uiURL     string
}

var _ activities.Orchestrator = (*Client)(nil)

// NewClient wraps a Temporal client; uiURL is the address of the Temporal UI for people's links.
func NewClient(c client.Client, namespace, uiURL string) *Client {
	return &Client{temporal: c, namespace: namespace, uiURL: uiURL}
}

// StartBackfill starts the workflow of a stored backfill. A former run that is about to end, as when a backfill is
// retried the moment its last chunk failed, is waited for; one that does not end within seconds is no error.
func (c *Client) StartBackfill(ctx context.Context, b market.Backfill) error {
	summary := fmt.Sprintf("%s %s..%s", b.Interval, b.Range.Start.Format(time.DateOnly), b.Range.End.Format(time.DateOnly))
	if n := len(b.Series); n == 1 {
		summary = b.Series[0].Instrument.String() + " " + summary
	} else if n > 1 {
		summary = fmt.Sprintf("%s and %d more %s", b.Series[0].Instrument, n-1, summary)
	}
	details := fmt.Sprintf("Backfill %s, policy %s, %d chunks.", b.ID, b.Policy, b.Chunks.Total)
	attributes := []temporal.SearchAttributeUpdate{jobKey().ValueSet(b.ID), intervalKey().ValueSet(string(b.Interval))}
	if len(b.Series) == 1 {
		attributes = append(attributes, symbolKey().ValueSet(b.Series[0].Instrument.String()), providerKey().ValueSet(b.Series[0].Provider))
	}
	options := client.StartWorkflowOptions{
		StaticSummary: summary, StaticDetails: details, TypedSearchAttributes: temporal.NewSearchAttributes(attributes...),
	}
	ctx, cancel := context.WithTimeout(trace.WithRequestID(ctx, b.RequestID), callTimeout) // a retry keeps the first one
	defer cancel()
	for {
		err := c.start(ctx, b.ID, options)
		if !temporal.IsWorkflowExecutionAlreadyStartedError(err) {
			return clientError(err, "start the backfill")
		}
		_ = c.temporal.GetWorkflow(ctx, market.BackfillWorkflowID(b.ID), "").Get(ctx, nil) // only when it ends counts, not how
		if ctx.Err() != nil {
			return nil
		}
	}
}

// RestartBackfill starts the workflow of a stored backfill by its id alone; already running is no error.
func (c *Client) RestartBackfill(ctx context.Context, jobID string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := c.start(ctx, jobID, client.StartWorkflowOptions{
		StaticSummary: "backfill " + jobID, TypedSearchAttributes: temporal.NewSearchAttributes(jobKey().ValueSet(jobID)),
	})
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		return nil
	}
	return clientError(err, "start the backfill")
}

func (c *Client) start(ctx context.Context, jobID string, options client.StartWorkflowOptions) error {
	options.ID = market.BackfillWorkflowID(jobID)
	options.TaskQueue = QueueMain
	options.WorkflowIDReusePolicy = enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
	options.WorkflowExecutionErrorWhenAlreadyStarted = true
	if id := trace.RequestID(ctx); id != "" {
		options.Memo = map[string]any{trace.Key: id}
		options.StaticDetails = strings.TrimSpace(options.StaticDetails + "\n\nAsked for by request `" + id + "`: its log lines carry this `" + trace.Key + "`.")
	}
	_, err := c.temporal.ExecuteWorkflow(ctx, options, NameBackfill, BackfillInput{JobID: jobID})
	return err
}

// PauseBackfill makes the workflow hand out no new chunks. Errors: conflict when it does not run, invalid.
func (c *Client) PauseBackfill(ctx context.Context, workflowID, reason string) error {
	return c.update(ctx, workflowID, UpdatePause, reason)
}

// ResumeBackfill ends a pause. Errors: conflict when the workflow does not run, invalid when it is not paused.
func (c *Client) ResumeBackfill(ctx context.Context, workflowID string) error {
	return c.update(ctx, workflowID, UpdateResume)
}

// SetConcurrency sets the window per provider. Errors: conflict when the workflow does not run, invalid.
func (c *Client) SetConcurrency(ctx context.Context, workflowID string, concurrency int) error {
	return c.update(ctx, workflowID, UpdateConcurrency, concurrency)
}

func (c *Client) update(ctx context.Context, workflowID, name string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	handle, err := c.temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: workflowID, UpdateName: name, Args: args, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, nil)
	}
	var refused *temporal.ApplicationError
	if errors.As(err, &refused) {
		return market.Errorf(market.KindInvalid, "the backfill refuses: %s", refused.Message())
	}
	return clientError(err, name)
}

// CancelBackfill asks the workflow to cancel. Errors: conflict when it does not run.
func (c *Client) CancelBackfill(ctx context.Context, workflowID string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return clientError(c.temporal.CancelWorkflow(ctx, workflowID, ""), "cancel")
}

// CancelWorkflow asks a workflow to cancel; one that does not run is no error.
func (c *Client) CancelWorkflow(ctx context.Context, workflowID string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := c.temporal.CancelWorkflow(ctx, workflowID, "")
	var notFound *serviceerror.NotFound
	if errors.As(err, &notFound) {
		return nil
	}
	return clientError(err, "cancel")
}

// FindListing asks the provider since when it has bars of the instrument and stores the answer, waiting at most until
// ctx ends. Errors: not_found when the provider does not know the symbol, and whatever kind the provider's answer has.
func (c *Client) FindListing(ctx context.Context, id market.InstrumentID, p market.ProviderSymbol) error {
	run, err := c.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: ListingWorkflowID(p.Name, id.String()), TaskQueue: QueueMain, WorkflowExecutionTimeout: 2 * time.Minute,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary:            fmt.Sprintf("listing of %s at %s", id, p.Name),
		TypedSearchAttributes: temporal.NewSearchAttributes(
			providerKey().ValueSet(p.Name), symbolKey().ValueSet(id.String())),
	}, NameListing, activities.ListingInput{Instrument: id.String(), Provider: p.Name, Symbol: p.Symbol})
	if err != nil {
		return clientError(err, "find the listing")
	}
	err = run.Get(ctx, nil)
	var failed *temporal.WorkflowExecutionError
	if errors.As(err, &failed) {
		kind, message := activities.Failure(err)
		return &market.Error{Kind: kind, Message: message, Err: err}
	}
	return clientError(err, "find the listing")
}

// WorkflowState returns the state of the latest run of a workflow.
func (c *Client) WorkflowState(ctx context.Context, workflowID string) (activities.WorkflowState, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	described, err := c.temporal.DescribeWorkflowExecution(ctx, workflowID, "")
	var unknown *serviceerror.NotFound
	if errors.As(err, &unknown) {
		return activities.WorkflowUnknown, nil
	}
	if err != nil {
		return "", clientError(err, "describe the workflow")
	}
	if described.GetPendingWorkflowTask().GetAttempt() >= stuckAttempts {
		return activities.WorkflowStuck, nil
	}
	switch described.GetWorkflowExecutionInfo().GetStatus() {
	case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED,
		enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW, enumspb.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED:
		return activities.WorkflowRunning, nil
	case enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED, enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED:
		return activities.WorkflowCanceled, nil
	case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, enumspb.WORKFLOW_EXECUTION_STATUS_FAILED,
		enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
		return activities.WorkflowEnded, nil
	}
	return activities.WorkflowEnded, nil
}

// Ping reports whether Temporal answers.
func (c *Client) Ping(ctx context.Context) error {
	_, err := c.temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
	return clientError(err, "check its health")
}

// WorkflowURL links to one workflow in the Temporal UI.
func (c *Client) WorkflowURL(workflowID string) string {
	return fmt.Sprintf("%s/namespaces/%s/workflows/%s", c.uiURL, url.PathEscape(c.namespace), url.PathEscape(workflowID))
}

// JobURL links to the list of a backfill's workflows in the Temporal UI.
func (c *Client) JobURL(jobID string) string {
	query := url.Values{"query": {fmt.Sprintf("MdJobId=%q", jobID)}}
	return fmt.Sprintf("%s/namespaces/%s/workflows?%s", c.uiURL, url.PathEscape(c.namespace), query.Encode())
}

// RegisterSearchAttributes makes the search attributes known to the namespace, which must be done before any workflow
// starts. Those already known are left alone.
func (c *Client) RegisterSearchAttributes(ctx context.Context) error {
	operator := c.temporal.OperatorService()
	known, err := operator.ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: c.namespace})
	if err != nil {
		return clientError(err, "list the search attributes")
	}
	missing := map[string]enumspb.IndexedValueType{}
	for _, name := range SearchAttributeNames() {
		if _, isKnown := known.GetCustomAttributes()[name]; !isKnown {
			missing[name] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
		}
	}
	if len(missing) == 0 {
		return nil
	}
	_, err = operator.AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: c.namespace, SearchAttributes: missing,
	})
	var exists *serviceerror.AlreadyExists
	if errors.As(err, &exists) { // another process was quicker
		return nil
	}
	return clientError(err, "add the search attributes")
}

// clientError gives an error of the Temporal client its kind. Host names stay in the cause.
func clientError(err error, what string) error {
	if err == nil {
		return nil
	}
	var notFound *serviceerror.NotFound
	if errors.As(err, &notFound) {
		return &market.Error{Kind: market.KindConflict, Message: "the backfill's workflow is not running", Err: err}
	}
	var invalid *serviceerror.InvalidArgument
	if errors.As(err, &invalid) {
		return &market.Error{Kind: market.KindInternal, Message: "Temporal refuses to " + what + ": " + invalid.Message, Err: err}
	}
	return &market.Error{Kind: market.KindUnavailable, Message: "Temporal cannot be reached to " + what, Err: err}
}
