package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"marketdata/market"
)

type (
	schedulePathInput struct {
		ID string `path:"id" example:"nightly-btc" doc:"Id of the schedule."`
	}
	schedulePauseInput struct {
		ID   string `path:"id" example:"nightly-btc" doc:"Id of the schedule."`
		Body *reasonInput
	}
	schedulePostInput  struct{ Body scheduleInput }
	schedulePostOutput struct {
		Location string `header:"Location" doc:"Path of the schedule." example:"/v1/schedules/nightly-btc"`
		Body     scheduleView
	}
	scheduleOutput     struct{ Body scheduleView }
	scheduleListOutput struct{ Body scheduleList }
)

func (s *server) registerSchedules() {
	tags := []string{"Schedules"}
	register(s, huma.Operation{
		OperationID: "list-schedules", Method: http.MethodGet, Path: "/v1/schedules", Tags: tags,
		Summary: "List schedules", Description: "Syncs of tracked intervals and repeated backfills, by id. While Temporal does not answer, what it knows of them is null.",
	}, s.listSchedules)
	register(s, huma.Operation{
		OperationID: "get-schedule", Method: http.MethodGet, Path: "/v1/schedules/{id}", Tags: tags,
		Summary: "Show a schedule", Description: "Its definition, and what Temporal knows of it.", Errors: []int{http.StatusNotFound},
	}, func(ctx context.Context, in *schedulePathInput) (*scheduleOutput, error) {
		return s.showSchedule(ctx, in.ID)
	})
	register(s, huma.Operation{
		OperationID: "add-schedule", Method: http.MethodPost, Path: "/v1/schedules", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Repeat a backfill",
		Description: "Each run plans an ordinary backfill of the range that ends at its time. A run is skipped while the one before is not over. " +
			"409 when the id is taken; an unknown instrument answers 404 with its place in errors; 503, with nothing stored, while Temporal does not answer.",
		Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, s.addSchedule)
	register(s, huma.Operation{
		OperationID: "delete-schedule", Method: http.MethodDelete, Path: "/v1/schedules/{id}", Tags: tags,
		Summary:     "Delete a schedule",
		Description: "A run that is on goes on; bars and backfills stay. 409 for syncs (remove the interval of the instruments) and for schedules of the configuration.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict},
	}, s.deleteSchedule)
	s.registerScheduleActions(tags)
}

func (s *server) registerScheduleActions(tags []string) {
	action := func(name, summary, description string) huma.Operation {
		return huma.Operation{
			OperationID: name + "-schedule", Method: http.MethodPost, Path: "/v1/schedules/{id}/" + name, Tags: tags,
			Summary: summary, Description: description, DefaultStatus: http.StatusOK, Errors: []int{http.StatusNotFound},
		}
	}
	register(s, action("trigger", "Run a schedule now", "Also while it is paused. While a run is on, this one is skipped, and counted so."),
		func(ctx context.Context, in *schedulePathInput) (*scheduleOutput, error) {
			return s.changeSchedule(ctx, in.ID, s.scheduler.Trigger)
		})
	register(s, action("pause", "Pause a schedule", "No further run begins; one that is on goes on. Pausing a paused schedule changes its reason."),
		func(ctx context.Context, in *schedulePauseInput) (*scheduleOutput, error) {
			return s.changeSchedule(ctx, in.ID, func(ctx context.Context, id string) error {
				return s.scheduler.Pause(ctx, id, in.Body.text())
			})
		})
	register(s, action("resume", "Resume a schedule", "Runs of the time it was paused are not made up for."),
		func(ctx context.Context, in *schedulePathInput) (*scheduleOutput, error) {
			return s.changeSchedule(ctx, in.ID, s.scheduler.Resume)
		})
}

func (s *server) listSchedules(ctx context.Context, _ *struct{}) (*scheduleListOutput, error) {
	stored, err := s.store.Schedules(ctx)
	if err != nil {
		return nil, err
	}
	views, err := s.syncs(ctx)
	if err != nil {
		return nil, err
	}
	for _, schedule := range stored {
		views = append(views, viewSchedule(schedule))
	}
	slices.SortFunc(views, func(a, b scheduleView) int { return strings.Compare(a.ID, b.ID) })
	s.enliven(ctx, views)
	return &scheduleListOutput{Body: scheduleList{Data: views, Meta: listMeta{Returned: len(views)}}}, nil
}

// syncs returns the sync schedules, with what fails of them.
func (s *server) syncs(ctx context.Context) ([]scheduleView, error) {
	all, err := s.scheduler.SyncSchedules(ctx)
	if err != nil {
		return nil, err
	}
	failing, err := s.store.FailingSyncs(ctx, all)
	if err != nil {
		return nil, err
	}
	views := make([]scheduleView, 0, len(all))
	for _, sync := range all {
		var of market.SyncFailing
		for _, f := range failing {
			if f.Provider == sync.Provider && f.Interval == sync.Interval {
				of = f
			}
		}
		views = append(views, viewSync(sync, of))
	}
	return views, nil
}

func (s *server) showSchedule(ctx context.Context, id string) (*scheduleOutput, error) {
	view, err := s.defined(ctx, id)
	if err != nil {
		return nil, err
	}
	views := []scheduleView{view}
	s.enliven(ctx, views)
	return &scheduleOutput{Body: views[0]}, nil
}

// defined returns the definition of a schedule. Errors: not_found.
func (s *server) defined(ctx context.Context, id string) (scheduleView, error) {
	if _, isSync := market.ParseSyncScheduleID(id); !isSync {
		schedule, err := s.store.Schedule(ctx, id)
		return viewSchedule(schedule), err
	}
	syncs, err := s.syncs(ctx)
	if err != nil {
		return scheduleView{}, err
	}
	for _, sync := range syncs {
		if sync.ID == id {
			return sync, nil
		}
	}
	return scheduleView{}, market.Errorf(market.KindNotFound, "there is no such schedule: no instrument's interval is kept in sync by it")
}

func (s *server) addSchedule(ctx context.Context, in *schedulePostInput) (*schedulePostOutput, error) {
	schedule := in.Body.schedule
	if err := s.planner().Check(ctx, in.Body.planRequest()); err != nil {
		return nil, plannedFault(err)
	}
	if err := s.scheduler.Create(ctx, schedule); err != nil {
		return nil, unreachable(err, "nothing was stored, try again later")
	}
	out, err := s.showSchedule(ctx, schedule.ID)
	if err != nil {
		return nil, err
	}
	return &schedulePostOutput{Location: "/v1/schedules/" + schedule.ID, Body: out.Body}, nil
}

func (s *server) deleteSchedule(ctx context.Context, in *schedulePathInput) (*struct{}, error) {
	view, err := s.defined(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if view.Kind == scheduleSync {
		return nil, market.Errorf(market.KindConflict, "this schedule follows from tracked intervals: it goes when no instrument keeps %s of %s in sync; "+
			"stop them with DELETE /v1/instruments/{id}/intervals/%s, or pause the schedule", view.Interval, view.Provider, view.Interval)
	}
	return nil, unreachable(s.scheduler.Delete(ctx, in.ID), "nothing was deleted, try again later")
}

// changeSchedule acts on a schedule that is defined and shows it.
func (s *server) changeSchedule(ctx context.Context, id string, act func(context.Context, string) error) (*scheduleOutput, error) {
	if _, err := s.defined(ctx, id); err != nil {
		return nil, err
	}
	if err := act(ctx, id); err != nil {
		return nil, unreachable(err, "try again later")
	}
	return s.showSchedule(ctx, id)
}

// unreachable words that the workflow engine, which a change needs, does not answer.
func unreachable(err error, advice string) error {
	if market.KindOf(err) != market.KindUnavailable {
		return err
	}
	return unavailable(err, "the workflow engine does not answer; "+advice)
}
