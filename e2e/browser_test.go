//go:build browser

package e2e_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"marketdata/market"
)

// operator is a person at the Temporal UI.
type operator struct {
	t   *testing.T
	tab context.Context
	ui  string // URL of the namespace
}

// browserPath finds a Chromium.
func browserPath(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	require.Fail(t, "no Chromium on this machine: apt-get install chromium")
	return ""
}

// newOperator opens a browser of its own; what it showed last is kept when the test fails.
func newOperator(t *testing.T, s *stack) *operator {
	t.Helper()
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.ExecPath(browserPath(t)), chromedp.NoSandbox, chromedp.Flag("headless", "new"), chromedp.WindowSize(1400, 1000),
		chromedp.WSURLReadTimeout(patience))
	browser, quit := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(quit)
	tab, closeTab := chromedp.NewContext(browser)
	t.Cleanup(closeTab)
	require.NoError(t, chromedp.Do(tab), "start the browser")
	o := &operator{t: t, tab: tab, ui: temporal.ui + "/namespaces/" + s.namespace}
	t.Cleanup(o.keepFailure)
	return o
}

func (o *operator) keepFailure() {
	if !o.t.Failed() {
		return
	}
	ctx, cancel := context.WithTimeout(o.tab, 10*time.Second)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(o.t.ArtifactDir(), "ui.png"), png, 0o600)
	}
	o.t.Log("what the browser showed: ", filepath.Join(o.t.ArtifactDir(), "ui.png"), err)
}

// do fails the test with the step that did not work.
func (o *operator) do(step string, actions ...chromedp.Action[chromedp.Void]) {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.tab, 2*time.Minute) // a browser on a busy machine
	defer cancel()
	require.NoError(o.t, chromedp.Do(ctx, actions...), step)
}

// press clicks what the path finds, wherever it has moved to meanwhile: a click at its place may hit what is below it.
func (o *operator) press(step string, path chromedp.JSPath) {
	o.t.Helper()
	o.do(step, chromedp.WaitVisible(path), chromedp.Evaluate[chromedp.Void](string(path)+".click()"))
}

// seen is the first visible element of the CSS selector that contains the text.
func seen(selector, text string) chromedp.JSPath {
	return chromedp.JSPath(fmt.Sprintf("[...document.querySelectorAll(%q)].find(e => e.checkVisibility() && e.textContent.includes(%q))", selector, text))
}

// rendered is the frame in which the UI shows a Markdown text that contains the words.
func rendered(words string) chromedp.JSPath {
	return chromedp.JSPath(fmt.Sprintf("[...document.querySelectorAll('iframe')].find(e => e.checkVisibility() && decodeURIComponent(e.src).includes(%q))", words))
}

// find pastes a query into the address of the workflow list, as soon as the list, which lags behind, has the workflow.
func (o *operator) find(s *stack, query, workflowID string) {
	o.t.Helper()
	require.Eventually(o.t, func() bool {
		list, err := s.temporal.ListWorkflow(o.t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Query: query})
		return err == nil && slices.ContainsFunc(list.GetExecutions(), func(i *workflowpb.WorkflowExecutionInfo) bool {
			return i.GetExecution().GetWorkflowId() == workflowID
		})
	}, patience, 50*time.Millisecond)
	o.do("open the list", chromedp.Navigate(o.ui+"/workflows?"+url.Values{"query": {query}}.Encode()))
}

// TestOperatorHealsAChunkInTheUI: an operator finds a provider's failed chunk, reads why, and resets it, with nothing
// but the Temporal UI.
func TestOperatorHealsAChunkInTheUI(t *testing.T) {
	t.Parallel()
	browserPath(t)
	s := startWithBTC(t)
	s.fault(map[string]any{"fault": "restricted"})
	b := s.run(map[string]any{"instruments": []string{"BTCUSDT.SIM"}, "interval": "1m", "start": "2024-01-01", "end": "2024-01-02"})
	require.Equal(t, "failed", b.Status)
	s.awaitEnd(b.WorkflowID)

	o := newOperator(t, s)
	chunk := market.ChunkWorkflowID(b.ID, "BTCUSDT.SIM-1m-20240101")
	o.find(s, `WorkflowType="ChunkWorkflow" AND MdProvider="sim_binance" AND ExecutionStatus="Failed"`, chunk)
	o.press("open the failed chunk", seen("table a", chunk))
	o.do("read its id", chromedp.WaitVisible(seen("h1", chunk)))
	o.do("read the kind", chromedp.WaitVisible(seen("[data-testid=input-and-result]", `"denied"`)))
	o.do("read the text", chromedp.WaitVisible(seen("[data-testid=input-and-result]", "MD_PROVIDERS__SIM_BINANCE__BASE_URL")))
	o.press("go to what is said of it", seen("[data-testid=user-metadata-tab]", ""))
	o.do("read what to do", chromedp.WaitVisible(rendered("**BTCUSDT.SIM 1m 2024-01-01..2024-01-02** failed: `denied`")),
		chromedp.WaitVisible(rendered(`MD\_PROVIDERS\_\_SIM\_BINANCE\_\_BASE\_URL`)), chromedp.WaitVisible(rendered("reset this workflow")))

	s.healSimulator()
	o.press("ask for a reset", seen("button", "Reset"))
	o.do("see the dialog", chromedp.WaitVisible(seen("dialog", "Reset Workflow")))
	o.press("choose where to", seen("dialog [data-testid=workflow-reset-event-id-select-button]", ""))
	o.press("choose the first workflow task", seen("dialog li[role=option]", "4 - WorkflowTaskCompleted"))
	o.do("give the reason", chromedp.SendKeys(seen("dialog [data-testid=reset-reason]", ""), "the region is allowed again"))
	o.press("confirm", seen("dialog [data-testid=confirm-modal-button]:enabled", ""))
	o.do("see it accepted", chromedp.WaitNotPresent(seen("dialog", "Reset Workflow")))
	b = s.awaitStatus(b.ID, "completed")
	require.Equal(t, int64(dayBars), b.Progress.Bars.Inserted)
}
