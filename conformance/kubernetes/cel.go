package main

import (
	"context"
	"encoding/json"
	"fmt"

	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/cel/environment"
)

var compiler = plugincel.NewConditionCompiler(environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()))

// match evaluates the conditions as the API server does before it calls a webhook: it calls where all are true, and does not where
// one is false; an error is what failurePolicy makes of it.
func match(ctx context.Context, conditions []admissionregistrationv1.MatchCondition, request admissionv1.AdmissionRequest) (bool, error) {
	accessors := make([]plugincel.ExpressionAccessor, len(conditions))
	for i := range conditions {
		accessors[i] = &matchconditions.MatchCondition{Name: conditions[i].Name, Expression: conditions[i].Expression}
	}
	evaluator := compiler.CompileCondition(accessors, plugincel.OptionalVariableDeclarations{HasAuthorizer: true}, environment.StoredExpressions)
	fail := admissionregistrationv1.Fail
	matcher := matchconditions.NewMatcher(evaluator, &fail, "webhook", "admit", "test")
	object, err := decode(request.Object)
	if err != nil {
		return false, err
	}
	old, err := decode(request.OldObject)
	if err != nil {
		return false, err
	}
	kind := schema.GroupVersionKind(request.Kind)
	resource := schema.GroupVersionResource(request.Resource)
	attributes := admission.NewAttributesRecord(object, old, kind, request.Namespace, request.Name, resource, request.SubResource,
		admission.Operation(request.Operation), &metav1.CreateOptions{}, false, &user.DefaultInfo{Name: "test"})
	versioned := &admission.VersionedAttributes{Attributes: attributes, VersionedKind: kind, VersionedObject: admission.NewLazyObject(object), VersionedOldObject: admission.NewLazyObject(old)}
	result := matcher.Match(ctx, versioned, nil, nil)
	if result.Error != nil {
		return false, fmt.Errorf("%w", result.Error)
	}
	return result.Matches, nil
}

func decode(raw runtime.RawExtension) (runtime.Object, error) {
	if len(raw.Raw) == 0 || string(raw.Raw) == "null" {
		return nil, nil
	}
	content := map[string]any{}
	if err := json.Unmarshal(raw.Raw, &content); err != nil {
		return nil, err
	}
	return &unstructured.Unstructured{Object: content}, nil
}
