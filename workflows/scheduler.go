package workflows

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"marketdata/activities"
	"marketdata/market"
)

// reconcileTimeout bounds one reconciliation, the wait for its turn included.
const reconcileTimeout = 30 * time.Second

// ScheduleStore holds the definitions of schedules. *db.DB satisfies it.
type ScheduleStore interface {
	// LockSchedules runs f while no other process changes schedules.
	LockSchedules(ctx context.Context, f func(ctx context.Context) error) error
	// Schedules returns every stored schedule by id.
	Schedules(ctx context.Context) ([]market.Schedule, error)
	// CreateSchedule stores the schedule if then succeeds, DeleteSchedule removes one that came through the API if then
	// succeeds; both run then while no other process changes schedules and return its error as it is.
	CreateSchedule(ctx context.Context, s market.Schedule, then func(ctx context.Context) error) error
	DeleteSchedule(ctx context.Context, id string, then func(ctx context.Context) error) error
	// PutConfigSchedules makes the schedules of source config those given; taken lists ids that others hold.
	PutConfigSchedules(ctx context.Context, schedules []market.Schedule) (taken []string, err error)
	// TrackedSeries returns every interval that is kept in sync, once for each provider that lists the instrument.
	TrackedSeries(ctx context.Context) ([]market.TrackedSeries, error)
}

// Scheduler keeps Temporal's schedules in line with their definitions, which are in PostgreSQL, and knows their live
// state, which is in Temporal. It is safe for concurrent use, in any number of processes.
// Methods that talk to Temporal return unavailable when it cannot be reached.
type Scheduler struct {
	client    *Client
	store     ScheduleStore
	providers []market.ProviderInstance
	logger    *slog.Logger
	nudges    chan struct{}
	turn      chan struct{} // holds whoever changes a schedule
}

var _ activities.Reconciler = (*Scheduler)(nil)

// NewScheduler schedules through the client; providers are all configured instances.
func NewScheduler(c *Client, store ScheduleStore, providers []market.ProviderInstance, logger *slog.Logger) *Scheduler {
	return &Scheduler{client: c, store: store, providers: providers, logger: logger, nudges: make(chan struct{}, 1), turn: make(chan struct{}, 1)}
}

// Configure makes the stored schedules of source config those of this process's configuration.
func (s *Scheduler) Configure(ctx context.Context, schedules []market.Schedule) error {
	taken, err := s.store.PutConfigSchedules(ctx, schedules)
	for _, id := range taken {
		s.logger.WarnContext(ctx, "schedule of the configuration left out: one of the same id came through the API; delete that one or rename this one", "schedule", id)
	}
	return err
}

// SyncSchedules returns the schedules that follow from the tracked series: of each instrument and interval the first
// enabled provider that has it.
func (s *Scheduler) SyncSchedules(ctx context.Context) ([]market.SyncSchedule, error) {
	tracked, err := s.store.TrackedSeries(ctx)
	if err != nil {
		return nil, err
	}
	return market.SyncSchedules(market.Synced(tracked, market.CanSync(s.providers))), nil
}

// find returns the instance, the zero one where it is not configured.
func (s *Scheduler) find(provider string) market.ProviderInstance {
	for _, instance := range s.providers {
		if instance.Name == provider {
			return instance
		}
	}
	return market.ProviderInstance{}
}

// Nudge asks for a reconciliation soon and returns at once; Run does it.
func (s *Scheduler) Nudge() {
	select {
	case s.nudges <- struct{}{}:
	default: // one is waiting already and will see everything
	}
}

// Run reconciles whenever it is nudged until ctx ends. A failure is logged: the sweep of each minute heals it.
func (s *Scheduler) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.nudges:
		}
		if err := s.Reconcile(ctx); err != nil && ctx.Err() == nil {
			s.logger.WarnContext(ctx, "schedules not reconciled; the next sweep does it", "error", err.Error())
		}
	}
}

// Reconcile creates the Temporal schedules that are missing, changes those whose definition changed, and deletes those
// that are defined no longer. Pauses stay as they are. One process at a time does it.
func (s *Scheduler) Reconcile(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reconcileTimeout)
	defer cancel()
	return s.store.LockSchedules(ctx, s.reconcile)
}

func (s *Scheduler) reconcile(ctx context.Context) error {
	wanted, err := s.wanted(ctx)
	if err != nil {
		return err
	}
	var failed error
	for _, options := range wanted {
		if options.Action == nil {
			continue
		}
		if err := s.put(ctx, options); err != nil { // the others are looked at all the same
			failed = errors.Join(failed, err)
		}
		if ctx.Err() != nil {
			return failed
		}
	}
	return errors.Join(failed, s.deleteOthers(ctx, wanted))
}

// wanted returns the Temporal schedules that are to exist, those of housekeeping left out.
func (s *Scheduler) wanted(ctx context.Context) ([]client.ScheduleOptions, error) {
	stored, err := s.store.Schedules(ctx)
	if err != nil {
		return nil, err
	}
	syncs, err := s.SyncSchedules(ctx)
	if err != nil {
		return nil, err
	}
	wanted := make([]client.ScheduleOptions, 0, len(stored)+len(syncs))
	for _, sync := range syncs {
		wanted = append(wanted, syncSchedule(sync, s.find(sync.Provider).Capabilities.Settle))
	}
	for _, schedule := range stored {
		options, err := backfillSchedule(schedule)
		if schedule.Fault != "" || err != nil {
			s.logger.ErrorContext(ctx, "a stored schedule cannot be read: delete it, or run the release that wrote it", "schedule", schedule.ID, "fault", schedule.Fault)
			options = client.ScheduleOptions{ID: TemporalScheduleID(schedule.ID)} // left as it is
		}
		wanted = append(wanted, options)
	}
	return wanted, nil
}

// put creates the schedule, or changes what of it is not as defined.
func (s *Scheduler) put(ctx context.Context, want client.ScheduleOptions) error {
	schedules := s.client.temporal.ScheduleClient()
	err := schedules.GetHandle(ctx, want.ID).Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) { return s.change(ctx, want, in) },
	})
	var unknown *serviceerror.NotFound
	if errors.As(err, &unknown) {
		s.logger.InfoContext(ctx, "creating a schedule", "schedule", want.ID)
		if _, err = schedules.Create(ctx, want); errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
			return nil
		}
	}
	return scheduleError(err, "set the schedule "+want.ID)
}

// change returns the schedule as it is to be, its pause and note as they are.
func (s *Scheduler) change(ctx context.Context, want client.ScheduleOptions, in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
	policy := client.SchedulePolicies{Overlap: want.Overlap, CatchupWindow: want.CatchupWindow, PauseOnFailure: want.PauseOnFailure}
	is := in.Description.Schedule
	wantPrint, err := fingerprint(want.Spec, want.Action, policy)
	if err != nil {
		return nil, err
	}
	isPrint, err := fingerprint(*is.Spec, is.Action, *is.Policy)
	if err != nil {
		return nil, err
	}
	if isPrint == wantPrint {
		return nil, temporal.ErrSkipScheduleUpdate
	}
	s.logger.InfoContext(ctx, "changing a schedule", "schedule", want.ID, "from", isPrint, "to", wantPrint)
	is.Spec, is.Action, is.Policy = &want.Spec, want.Action, &policy
	return &client.ScheduleUpdate{Schedule: &is}, nil
}

// deleteOthers removes the schedules of ours that are not wanted.
func (s *Scheduler) deleteOthers(ctx context.Context, wanted []client.ScheduleOptions) error {
	isWanted := make(map[string]bool, len(wanted))
	for _, options := range wanted {
		isWanted[options.ID] = true
	}
	all, err := s.client.temporal.ScheduleClient().List(ctx, client.ScheduleListOptions{PageSize: 1000})
	if err != nil {
		return scheduleError(err, "list the schedules")
	}
	for all.HasNext() {
		entry, err := all.Next()
		if err != nil {
			return scheduleError(err, "list the schedules")
		}
		if isWanted[entry.ID] || !strings.HasPrefix(entry.ID, temporalSync) && !strings.HasPrefix(entry.ID, temporalSchedule) {
			continue
		}
		s.logger.InfoContext(ctx, "deleting a schedule that is defined no longer", "schedule", entry.ID)
		if err := s.remove(ctx, entry.ID); err != nil {
			return err
		}
	}
	return nil
}

// remove deletes the schedule if it is there.
func (s *Scheduler) remove(ctx context.Context, temporalID string) error {
	err := s.client.temporal.ScheduleClient().GetHandle(ctx, temporalID).Delete(ctx)
	var unknown *serviceerror.NotFound
	if errors.As(err, &unknown) {
		return nil
	}
	return scheduleError(err, "delete the schedule")
}

// scheduleError is clientError for schedules: one that Temporal does not know is not found.
func scheduleError(err error, what string) error {
	var unknown *serviceerror.NotFound
	if errors.As(err, &unknown) {
		return &market.Error{Kind: market.KindNotFound, Message: "Temporal does not know the schedule", Err: err}
	}
	return clientError(err, what)
}
