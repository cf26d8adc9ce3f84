package main

import (
	"context"
	"encoding/json"
	"fmt"

	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/admissionregistration"
	_ "k8s.io/kubernetes/pkg/apis/admissionregistration/install"
	admissionregistrationv1conversion "k8s.io/kubernetes/pkg/apis/admissionregistration/v1"
	admissionregistrationvalidation "k8s.io/kubernetes/pkg/apis/admissionregistration/validation"
)

// mutating is a MutatingAdmissionPolicy, compiled as the API server does it (mutating/compilation.go).
type mutating struct {
	compiler  *plugincel.CompositedCompiler
	matcher   matchconditions.Matcher
	evaluator plugincel.MutatingEvaluator
}

// checked says what the API server's own validation has against a policy: its expressions are compiled there, too.
func checked(policy *admissionregistrationv1.MutatingAdmissionPolicy) ([]string, error) {
	policy = policy.DeepCopy()
	legacyscheme.Scheme.Default(policy)
	internal := &admissionregistration.MutatingAdmissionPolicy{}
	if err := admissionregistrationv1conversion.Convert_v1_MutatingAdmissionPolicy_To_admissionregistration_MutatingAdmissionPolicy(policy, internal, nil); err != nil {
		return nil, err
	}
	return texts(admissionregistrationvalidation.ValidateMutatingAdmissionPolicy(internal)), nil
}

// checkedBinding is the same for a binding.
func checkedBinding(binding *admissionregistrationv1.MutatingAdmissionPolicyBinding) ([]string, error) {
	binding = binding.DeepCopy()
	legacyscheme.Scheme.Default(binding)
	internal := &admissionregistration.MutatingAdmissionPolicyBinding{}
	if err := admissionregistrationv1conversion.Convert_v1_MutatingAdmissionPolicyBinding_To_admissionregistration_MutatingAdmissionPolicyBinding(binding, internal, nil); err != nil {
		return nil, err
	}
	return texts(admissionregistrationvalidation.ValidateMutatingAdmissionPolicyBinding(internal)), nil
}

func compile(policy *admissionregistrationv1.MutatingAdmissionPolicy) (*mutating, error) {
	if len(policy.Spec.Mutations) != 1 || policy.Spec.Mutations[0].JSONPatch == nil {
		return nil, fmt.Errorf("expected one mutation by JSON patch")
	}
	compiler, err := plugincel.NewCompositedCompiler(environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()))
	if err != nil {
		return nil, err
	}
	options := plugincel.OptionalVariableDeclarations{HasParams: policy.Spec.ParamKind != nil, HasAuthorizer: true}
	var variables []plugincel.NamedExpressionAccessor
	for _, v := range policy.Spec.Variables {
		variables = append(variables, &validating.Variable{Name: v.Name, Expression: v.Expression})
	}
	compiler.CompileAndStoreVariables(variables, options, environment.StoredExpressions)
	var conditions []plugincel.ExpressionAccessor
	for i := range policy.Spec.MatchConditions {
		conditions = append(conditions, (*matchconditions.MatchCondition)(&policy.Spec.MatchConditions[i]))
	}
	evaluator := compiler.CompileCondition(conditions, options, environment.StoredExpressions)
	matcher := matchconditions.NewMatcher(evaluator, policy.Spec.FailurePolicy, "policy", "validate", policy.Name)
	options.HasPatchTypes = true
	condition := &patch.JSONPatchCondition{Expression: policy.Spec.Mutations[0].JSONPatch.Expression}
	mutation := compiler.CompileMutatingEvaluator(condition, options, environment.StoredExpressions)
	for _, err := range mutation.CompilationErrors() {
		return nil, err
	}
	return &mutating{compiler, matcher, mutation}, nil
}

// mutated is the pod as the API server has it after the policy, and what the expressions cost.
type mutated struct {
	Pod     json.RawMessage
	Matches bool
	Cost    int64
}

// mutate puts a pod through the policy with one parameter, as the dispatcher does.
func (m *mutating) mutate(ctx context.Context, pod *corev1.Pod, params *corev1.ServiceAccount, namespace string) (mutated, error) {
	ctx = m.compiler.CreateContext(ctx)
	kind := schema.GroupVersionKind{Version: "v1", Kind: "Pod"}
	resource := schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	pod.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}
	attributes := admission.NewAttributesRecord(pod, nil, kind, namespace, pod.Name, resource, "", admission.Create,
		&metav1.CreateOptions{}, false, &user.DefaultInfo{Name: "test"})
	versioned := &admission.VersionedAttributes{Attributes: attributes, VersionedKind: kind, VersionedObject: admission.NewLazyObject(pod)}
	same, err := json.Marshal(pod)
	if err != nil {
		return mutated{}, err
	}
	matched := m.matcher.Match(ctx, versioned, params, nil)
	if matched.Error != nil {
		return mutated{}, fmt.Errorf("match conditions: %w", matched.Error)
	}
	if !matched.Matches {
		return mutated{Pod: same}, nil
	}
	variables := plugincel.OptionalVariableBindings{VersionedParams: params}
	request := plugincel.CreateAdmissionRequest(attributes, metav1.GroupVersionResource(resource), metav1.GroupVersionKind(kind))
	_, left, err := m.evaluator.ForInput(ctx, versioned, request, variables, nil, celconfig.RuntimeCELCostBudget)
	if err != nil {
		return mutated{}, err
	}
	patcher := patch.NewJSONPatcher(m.evaluator)
	// A new context: variables are evaluated once in each.
	ctx = m.compiler.CreateContext(context.Background())
	object, err := patcher.Patch(ctx, patch.Request{
		MatchedResource:     resource,
		VersionedAttributes: versioned,
		ObjectInterfaces:    admission.NewObjectInterfacesFromScheme(legacyscheme.Scheme),
		OptionalVariables:   variables,
	}, celconfig.RuntimeCELCostBudget)
	if err != nil {
		return mutated{}, err
	}
	text, err := json.Marshal(object)
	return mutated{Pod: text, Matches: true, Cost: celconfig.RuntimeCELCostBudget - left}, err
}

// podOf is the pod of a request.
func podOf(request admissionv1.AdmissionRequest) (*corev1.Pod, error) {
	pod := &corev1.Pod{}
	return pod, json.Unmarshal(request.Object.Raw, pod)
}
