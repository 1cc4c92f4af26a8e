package host_test

import (
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/internal/wstest"
	"github.com/prometheus/client_golang/prometheus"
)

// TestMetrics checks the metrics after a number of connections, messages, refusals and faults, and that no name that a
// client chooses is in a label.
func TestMetrics(t *testing.T) {
	h, url := serveQuiet(t, host.Options{Routes: []host.Route{
		{Path: "/c/:id", Plugin: scriptGuest, Limits: host.Limits{Deadline: hookDeadline}},
		{Path: "/go", Channel: scriptInGo()},
	}})
	a := dialDo(t, url+"/c/1", "identify secret-user;join secret-room")
	b, c := dialDo(t, url+"/c/2", "join secret-room"), dialDo(t, url+"/c/secret-param", "join secret-room")
	do(t, a, "broadcast secret-room|12345", "12345") // 7 bytes to each of 3 members
	want(t, b, "12345")
	want(t, c, "12345")
	do(t, a, "send 123;send 4567", "123", "4567") // 5 + 6 bytes
	do(t, a, "store_set secret-key|1234567890;counter_add hits;timer_set secret-timer|3600000")
	do(t, a, "fail no luck", internalError)
	do(t, a, "trap", internalError)
	do(t, a, "send end", "end")
	_ = b.CloseNow()
	wantMetric(t, h, `azuhost_connections{route="/c/:id"}`, 2)
	send(t, c, "close 4321|bye")
	wantClose(t, c, 4321, "bye")
	wantStatus(t, refused(t, url+"/c/1?do="+escape("refuse 401")), 401)
	wantStatus(t, refused(t, url+"/c/1?do="+escape("refuse 503")), 503)
	wantStatus(t, refused(t, url+"/c/1?do="+escape("fail no luck")), 500)
	x := dialDo(t, url+"/c/1", "send x;refuse_close 4000")
	want(t, x, "x")
	wantClose(t, x, 4000, "")
	_, _, _ = dialWith(t, url+"/c/1", map[string]string{"Origin": "https://evil.example"})
	_, _, _ = dialWith(t, url+"/c/1", map[string]string{"Host": "evil.example"})

	received := 0
	for _, s := range []string{
		"broadcast secret-room|12345", "send 123;send 4567",
		"store_set secret-key|1234567890;counter_add hits;timer_set secret-timer|3600000",
		"fail no luck", "trap", "send end",
		"close 4321|bye",
	} {
		received += len(s)
	}
	const keyAndValue = float64(10 + 10) // the store counts 64 bytes more for each value
	sent := 3*7 + 5 + 6 + 2*(len(internalError)+2) + 5
	const route, plugin = `route="/c/:id"`, `plugin="host_script",route="/c/:id"`
	for series, v := range map[string]float64{
		`azuhost_connections{` + route + `}`:                                             1,
		`azuhost_connections_accepted_total{` + route + `}`:                              3,
		`azuhost_connections_refused_total{reason="plugin",` + route + `}`:               3,
		`azuhost_connections_refused_total{reason="unavailable",` + route + `}`:          1,
		`azuhost_connections_refused_total{reason="origin",` + route + `}`:               1,
		`azuhost_connections_refused_total{reason="host",` + route + `}`:                 1,
		`azuhost_connections_closed_total{code="1006",` + route + `}`:                    1,
		`azuhost_connections_closed_total{code="4xxx",` + route + `}`:                    2,
		`azuhost_messages_received_total{kind="text",` + route + `}`:                     7,
		`azuhost_messages_received_total{kind="binary",` + route + `}`:                   0,
		`azuhost_received_bytes_total{` + route + `}`:                                    float64(received),
		`azuhost_messages_sent_total{` + route + `}`:                                     3 + 2 + 2 + 1,
		`azuhost_sent_bytes_total{` + route + `}`:                                        float64(sent),
		`azuhost_broadcast_members_sum{` + route + `}`:                                   3,
		`azuhost_broadcast_members_count{` + route + `}`:                                 1,
		`azuhost_broadcast_frames_sum{` + route + `}`:                                    1,
		`azuhost_broadcast_duration_seconds_count{` + route + `}`:                        1,
		`azuhost_plugin_hook_duration_seconds_count{hook="on_connect",` + plugin + `}`:   3 + 4,
		`azuhost_plugin_hook_duration_seconds_count{hook="on_message",` + plugin + `}`:   7,
		`azuhost_plugin_hook_duration_seconds_count{hook="on_close",` + plugin + `}`:     2,
		`azuhost_plugin_hook_errors_total{hook="on_message",` + plugin + `}`:             1,
		`azuhost_plugin_hook_errors_total{hook="on_connect",` + plugin + `}`:             1,
		`azuhost_plugin_faults_total{plugin="host_script",reason="trap",` + route + `}`:  1,
		`azuhost_plugin_loads_total{plugin="host_script",result="loaded",` + route + `}`: 1,
		`azuhost_plugin_load_duration_seconds_count{` + plugin + `}`:                     1,
		`azuhost_plugin_instances{` + plugin + `}`:                                       1,
		`azuhost_plugin_memory_bytes{` + plugin + `}`:                                    4 << 16,
		`azuhost_plugin_info{` + plugin + `,version="` + h.Routes()[0].Version + `"}`:    1,
		`azuhost_rooms{` + route + `}`:                                                   1,
		`azuhost_store_bytes{` + route + `}`:                                             keyAndValue + 64,
		`azuhost_timers{` + route + `}`:                                                  1,
		`azuhost_queue_bytes`:                                                            0,
		`azuhost_app_hits_total{` + route + `}`:                                          1,
		`azuhost_connections{route="/go"}`:                                               0,
		`azuhost_connections_accepted_total{route="/go"}`:                                0,
	} {
		wantMetric(t, h, series, v)
	}
	if m := metricsOf(t, h); strings.Contains(m, "secret") {
		t.Error("a name that a client chose is in /metrics")
	}
}

// TestDropMetrics checks the metrics of frames that are dropped for slow readers.
func TestDropMetrics(t *testing.T) {
	t.Parallel()
	for reason, policy := range map[string]host.SlowReader{
		"slow_reader": host.SlowClose, "drop_oldest": host.SlowDropOldest,
	} {
		t.Run(reason, func(t *testing.T) {
			f := scriptInGo()
			f.OnMessage = func(env host.Env, conn host.ConnID, _ host.Message) error {
				for range 200 {
					if err := env.Send(conn, 2, make([]byte, 20_000)); err != nil {
						return err
					}
				}
				return nil
			}
			r := host.Route{Path: "/c", Channel: f, SlowReader: policy, Limits: host.Limits{MaxQueue: 50_000}}
			h, url := serve(t, host.Options{CloseTimeout: 10 * time.Millisecond, Routes: []host.Route{r}})
			c := wstest.Dial(t, url, "/c")
			series := `azuhost_dropped_frames_total{reason="` + reason + `"}`
			eventually(t, "drops", func() bool {
				_ = c.WriteText("more")
				// The buffers of the socket may grow and empty the queue.
				return metric(t, h, series) > 0 && (policy == host.SlowClose || metric(t, h, "azuhost_queue_bytes") > 0)
			})
			if policy == host.SlowClose {
				wantMetric(t, h, `azuhost_connections_closed_total{code="1008",route="/c"}`, 1)
			} else if q := metric(t, h, "azuhost_queue_bytes"); q <= 0 || q > 51_000 {
				t.Errorf("%v bytes are queued", q)
			}
			_ = c.Close()
		})
	}
}

// TestAppMetricNames checks which names and labels of app metrics are valid. Others would make the page of metrics
// unreadable.
func TestAppMetricNames(t *testing.T) {
	h, url := serveQuiet(t, host.Options{Routes: []host.Route{{Path: "/c", Channel: &host.Funcs{
		OnMessage: func(env host.Env, conn host.ConnID, m host.Message) error {
			args := strings.Split(string(m.Data), " ")
			op := map[string]int32{"c": 0, "g": 1, "h": 2}[args[0]]
			err := env.Metric(abi.MetricOp(op), args[1], strings.ReplaceAll(args[2], ",", "\n"), 1)
			answer := "ok"
			if err != nil {
				answer = err.Error()
			}
			return env.Send(conn, m.Kind, []byte(answer))
		},
	}}}})
	c := dial(t, url+"/c")
	for _, tc := range [][2]string{
		{"c hits ", "ok"}, {"c hits_total ", "ok"}, {"g hits_total ", "INVALID"}, {"g hits ", "ok"},
		{"h hits ", "INVALID"},
		{"h size ", "ok"}, {"g size_count ", "INVALID"}, {"g size_sum ", "INVALID"}, {"h size_bucket ", "INVALID"},
		{"c size_count ", "ok"},
		{"g users_count ", "ok"}, {"h users ", "INVALID"},
		{"c a x=1,y=2", "ok"}, {"c a y=3,x=4", "ok"}, {"c a x=1", "INVALID"}, {"c a x=1,x=2", "INVALID"},
		{"c b route=1", "INVALID"}, {"h b le=1", "INVALID"}, {"g b quantile=1", "INVALID"},
		{"c b __x=1", "INVALID"}, {"c b 1x=1", "INVALID"}, {"c b x", "INVALID"},
		{"c b a=1,b=1,c=1,d=1,e=1,f=1", "INVALID"}, {"c  ", "INVALID"}, {"c é ", "INVALID"}, {"c a-b ", "INVALID"},
		{"c a:b ", "INVALID"},
	} {
		do(t, c, tc[0], tc[1])
	}
	m := metricsOf(t, h)
	for _, line := range []string{
		`azuhost_app_hits_total{route="/c"} 2`,
		`azuhost_app_a_total{route="/c",x="1",y="2"} 1`,
		`azuhost_app_size_count{route="/c"} 1`,
		`azuhost_app_users_count{route="/c"} 1`,
	} {
		if !strings.Contains(m, line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
}

// TestOneRegistry checks that one registry can serve hosts one after the other, but not two at the same time.
func TestOneRegistry(t *testing.T) {
	o := host.Options{Registry: prometheus.NewRegistry(), Routes: []host.Route{{Path: "/c", Channel: scriptInGo()}}}
	for range 2 {
		h, url := serve(t, o)
		c := dial(t, url+"/c")
		do(t, c, "counter_add hits;send counted", "counted")
		if _, err := host.New(o); err == nil {
			t.Error("two hosts with the same metrics")
		}
		wantMetric(t, h, `azuhost_app_hits_total{route="/c"}`, 1)
		wantMetric(t, h, `azuhost_connections{route="/c"}`, 1)
		if _, err := o.Registry.Gather(); err != nil { // no series of the closed host
			t.Error(err)
		}
		_ = c.CloseNow()
		stop(t, h)
	}
}

// TestSeriesBeginAtZero checks that the counters of alerts exist before the first event, because an increase ignores
// the first value of a series. A hook that the plugin does not export, or that has not run, has no histogram.
func TestSeriesBeginAtZero(t *testing.T) {
	h, _ := serve(t, host.Options{Auth: &host.Auth{Secret: authSecret}, Routes: []host.Route{
		{Path: "/echo", Plugin: "../testplugins/echo.wasm", Auth: host.AuthOptional, History: host.History{Size: 1}},
	}})
	page := metricsOf(t, h)
	for _, series := range []string{
		`azuhost_plugin_loads_total{plugin="echo",result="failed",route="/echo"} 0`,
		`azuhost_plugin_loads_total{plugin="echo",result="rolled_back",route="/echo"} 0`,
		`azuhost_plugin_loads_total{plugin="echo",result="last_good",route="/echo"} 0`,
		`azuhost_plugin_faults_total{plugin="echo",reason="trap",route="/echo"} 0`,
		`azuhost_plugin_faults_total{plugin="echo",reason="deadline",route="/echo"} 0`,
		`azuhost_plugin_quarantines_total{plugin="echo",route="/echo"} 0`,
		`azuhost_connections_refused_total{reason="connections",route="/echo"} 0`,
		`azuhost_auth_total{result="ok",route="/echo"} 0`,
		`azuhost_auth_total{result="signature",route="/echo"} 0`,
		`azuhost_recoveries_total{result="lost",route="/echo"} 0`,
	} {
		if !strings.Contains(page, series+"\n") {
			t.Errorf("no series %s", series)
		}
	}
	if strings.Contains(page, "azuhost_plugin_hook_duration_seconds_bucket") {
		t.Error("a hook that has not run has a histogram")
	}
}
