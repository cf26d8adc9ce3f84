// Kubernetes answers as the API server does, in this process: its own defaulting and validation of pods, and its own CEL for the
// match conditions of a webhook and for MutatingAdmissionPolicies.
//
// Questions come as JSON lines on standard input, answers go as JSON lines to standard output:
//
//	{"pod": {…}}                                                   → {"errors": ["spec.containers[0]…: Invalid value …"]}
//	{"yaml": "…"}                                                  → {"documents": [{"json": {…}} or {"error": "…"}]}: kubectl's reader
//	{"matchConditions": [{"name", "expression"}], "request": {…}}  → {"matches": true}, or {"errors": […]}
//	{"mutatingAdmissionPolicy": {…}}                               → {"errors": […]}; the questions after it are put to this one
//	{"binding": {…}}                                               → {"errors": […]}
//	{"params": {…}, "request": {…}}                                → {"json": {…}, "matches": true, "cost": 1234}
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	corev1defaults "k8s.io/kubernetes/pkg/apis/core/v1"
	"k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/capabilities"
)

type question struct {
	YAML            *string                                  `json:"yaml"`
	Pod             *corev1.Pod                              `json:"pod"`
	MatchConditions []admissionregistrationv1.MatchCondition `json:"matchConditions"`
	Request         admissionv1.AdmissionRequest             `json:"request"`
	Params          *corev1.ServiceAccount                   `json:"params"`

	MutatingAdmissionPolicy *admissionregistrationv1.MutatingAdmissionPolicy        `json:"mutatingAdmissionPolicy"`
	Binding                 *admissionregistrationv1.MutatingAdmissionPolicyBinding `json:"binding"`
}

type answer struct {
	Errors    []string        `json:"errors,omitempty"`
	Matches   *bool           `json:"matches,omitempty"`
	JSON      json.RawMessage `json:"json,omitempty"`
	Documents []document      `json:"documents,omitempty"`
	Cost      *int64          `json:"cost,omitempty"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "kubernetes:", err)
		os.Exit(1)
	}
}

// A document as kubectl reads it, or why it does not.
type document struct {
	JSON  json.RawMessage `json:"json,omitempty"`
	Error string          `json:"error,omitempty"`
}

// The documents of a file as kubectl reads them. kubectl stops at the first that it can't read; here the next one is read all the same.
func documents(text string) []document {
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
	all := []document{}
	for {
		var value any
		err := decoder.Decode(&value)
		if err == io.EOF {
			return all
		}
		if err != nil {
			all = append(all, document{Error: err.Error()})
			if _, ok := err.(yaml.YAMLSyntaxError); ok {
				continue
			}
			return all
		}
		if value == nil {
			continue
		}
		text, err := json.Marshal(value)
		if err != nil {
			return append(all, document{Error: err.Error()})
		}
		all = append(all, document{JSON: text})
	}
}

func run() error {
	// As the API server is started everywhere: --allow-privileged.
	capabilities.Setup(true, 0)
	in := json.NewDecoder(bufio.NewReaderSize(os.Stdin, 1<<20))
	out := json.NewEncoder(os.Stdout)
	var policy *mutating
	for in.More() {
		var q question
		if err := in.Decode(&q); err != nil {
			return fmt.Errorf("a question can't be read: %w", err)
		}
		a := answer{}
		if q.YAML != nil {
			a.Documents = documents(*q.YAML)
		} else if q.MutatingAdmissionPolicy != nil {
			errors, err := checked(q.MutatingAdmissionPolicy)
			if err != nil {
				return err
			}
			a.Errors = errors
			if policy, err = compile(q.MutatingAdmissionPolicy); err != nil {
				a.Errors = append(a.Errors, err.Error())
			}
		} else if q.Binding != nil {
			errors, err := checkedBinding(q.Binding)
			if err != nil {
				return err
			}
			a.Errors = errors
		} else if q.Params != nil && policy != nil {
			pod, err := podOf(q.Request)
			if err != nil {
				return err
			}
			after, err := policy.mutate(context.Background(), pod, q.Params, q.Request.Namespace)
			if err != nil {
				a.Errors = []string{err.Error()}
			} else {
				a.JSON, a.Matches, a.Cost = after.Pod, &after.Matches, &after.Cost
			}
		} else if q.Pod != nil {
			errors, err := validate(q.Pod)
			if err != nil {
				return err
			}
			a.Errors = errors
		} else {
			matches, err := match(context.Background(), q.MatchConditions, q.Request)
			if err != nil {
				a.Errors = []string{err.Error()}
			} else {
				a.Matches = &matches
			}
		}
		if err := out.Encode(a); err != nil {
			return err
		}
	}
	return nil
}

// validate fills in the defaults, drops what no feature gate of this version lets in, and says what is wrong with the pod, as
// the registry of the API server does when it is created.
func validate(pod *corev1.Pod) ([]string, error) {
	legacyscheme.Scheme.Default(pod)
	internal := &core.Pod{}
	if err := corev1defaults.Convert_v1_Pod_To_core_Pod(pod, internal, nil); err != nil {
		return nil, err
	}
	if internal.Name == "" && internal.GenerateName != "" {
		internal.Name = internal.GenerateName + "x2b4q"
	}
	podutil.DropDisabledPodFields(internal, nil)
	options := podutil.GetValidationOptionsFromPodSpecAndMeta(&internal.Spec, nil, &internal.ObjectMeta, nil)
	return texts(validation.ValidatePodCreate(internal, options)), nil
}

// texts is what the API server's validation found, in words.
func texts(found field.ErrorList) []string {
	var texts []string
	for _, err := range found {
		texts = append(texts, err.Error())
	}
	return texts
}
