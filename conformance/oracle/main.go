// Oracle answers cases as the azure-workload-identity webhook does: its own handler, in this process.
//
// Cases come as JSON lines on standard input, {"serviceAccounts": […], "request": {…}}; answers go as JSON lines to
// standard output, {"allowed", "message", "patches"}. It is configured by the webhook's own environment variables, and
// by ORACLE_… for what the webhook takes from flags, from its build and from the API server.
//
// With -bench N each case is answered N times more, and the answer also has "microseconds" (of CPU time, a call) and
// "allocated" (bytes, a call).
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/Azure/azure-workload-identity/pkg/webhook"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	k8sruntime "k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"monis.app/mlog"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

type question struct {
	ServiceAccounts []corev1.ServiceAccount      `json:"serviceAccounts"`
	Request         admissionv1.AdmissionRequest `json:"request"`
}

type answer struct {
	Allowed      bool    `json:"allowed"`
	Message      string  `json:"message,omitempty"`
	Patches      any     `json:"patches,omitempty"`
	Microseconds float64 `json:"microseconds,omitempty"`
	Allocated    uint64  `json:"allocated,omitempty"`
}

// cluster is a client whose ServiceAccounts change from case to case, so that one handler answers all of them.
type cluster struct{ client.Client }

func main() {
	bench := flag.Int("bench", 0, "answer each case so many times more, and say what a call costs")
	flag.Parse()
	if err := run(*bench); err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}

func run(bench int) error {
	webhook.ProxyImageRegistry = "mcr.microsoft.com/oss/azure/workload-identity"
	webhook.ProxyImageVersion = "v1.6.0"
	if level := os.Getenv("ORACLE_LOG_LEVEL"); level != "" && !mlog.SetLevel(mlog.LogLevel(level)) {
		return fmt.Errorf("ORACLE_LOG_LEVEL is %q, expected warning, info, debug, trace or all", level)
	}
	apiServer := httptest.NewServer(http.HandlerFunc(version))
	defer apiServer.Close()
	scheme := k8sruntime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return err
	}
	state := &cluster{}
	handler, err := webhook.NewPodMutator(state, state, os.Getenv("ORACLE_AUDIENCE"), scheme, &rest.Config{Host: apiServer.URL},
		os.Getenv("ORACLE_ENDPOINT_SUFFIX"), os.Getenv("ORACLE_ENDPOINT_AUDIENCE"))
	if err != nil {
		return err
	}
	in := json.NewDecoder(bufio.NewReader(os.Stdin))
	out := json.NewEncoder(os.Stdout)
	for in.More() {
		var q question
		if err := in.Decode(&q); err != nil {
			return fmt.Errorf("a case can't be read: %w", err)
		}
		builder := fake.NewClientBuilder().WithScheme(scheme)
		for i := range q.ServiceAccounts {
			builder = builder.WithObjects(&q.ServiceAccounts[i])
		}
		state.Client = builder.Build()
		a := ask(handler, q.Request)
		if bench > 0 {
			a.Microseconds, a.Allocated = cost(bench, func() { ask(handler, q.Request) })
		}
		if err := out.Encode(a); err != nil {
			return err
		}
	}
	return nil
}

func ask(handler admission.Handler, request admissionv1.AdmissionRequest) answer {
	response := handler.Handle(context.Background(), admission.Request{AdmissionRequest: request})
	a := answer{Allowed: response.Allowed}
	if len(response.Patches) > 0 {
		a.Patches = response.Patches
	}
	if response.Result != nil {
		a.Message = response.Result.Message
	}
	return a
}

// cost is the CPU time of one call in microseconds, and the bytes that it allocates.
func cost(calls int, call func()) (float64, uint64) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := cpuTime()
	for range calls {
		call()
	}
	spent := cpuTime() - start
	runtime.ReadMemStats(&after)
	return float64(spent.Nanoseconds()) / 1e3 / float64(calls), (after.TotalAlloc - before.TotalAlloc) / uint64(calls)
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// version is the one thing that the webhook asks an API server when it starts.
func version(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/version" {
		http.NotFound(w, r)
		return
	}
	gitVersion := os.Getenv("ORACLE_KUBERNETES_VERSION")
	if gitVersion == "" {
		gitVersion = "v1.34.0"
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"major": "1", "minor": "34", "gitVersion": gitVersion})
}
