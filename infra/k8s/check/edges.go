package check

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// Peer is one end of a connection.
type Peer struct {
	Name      string
	Labels    map[string]string // of the pod
	Namespace map[string]string // of its namespace; nil for the set's own
	Outside   bool              // no pod of the cluster
}

// Edges returns who of the peers can connect to which port of which other, as a
// cluster decides that enforces the set's policies: "frontend → posts:5001". What is
// between two of another namespace is not the set's matter.
func Edges(s *Set, peers []Peer, ports map[string]int) []string {
	var all []string
	for _, from := range peers {
		for _, to := range peers {
			port, serves := ports[to.Name]
			if !serves || from.Name == to.Name {
				continue
			}
			if s.allows(from, to, port, networkingv1.PolicyTypeEgress) && s.allows(from, to, port, networkingv1.PolicyTypeIngress) {
				all = append(all, fmt.Sprintf("%s → %s:%d", from.Name, to.Name, port))
			}
		}
	}
	slices.Sort(all)
	return all
}

// allows reports whether one end permits the connection: policies only limit the
// pods that they select, and each adds to what the others permit.
func (s *Set) allows(from, to Peer, port int, direction networkingv1.PolicyType) bool {
	own, other := from, to
	if direction == networkingv1.PolicyTypeIngress {
		own, other = to, from
	}
	if own.Namespace != nil || own.Outside {
		return true
	}
	selected := false
	for _, p := range s.Policies {
		if !slices.Contains(p.Spec.PolicyTypes, direction) || !matches(&p.Spec.PodSelector, own.Labels) {
			continue
		}
		selected = true
		if direction == networkingv1.PolicyTypeIngress {
			for _, rule := range p.Spec.Ingress {
				if (len(rule.From) == 0 || slices.ContainsFunc(rule.From, other.is)) && covers(rule.Ports, port) {
					return true
				}
			}
			continue
		}
		for _, rule := range p.Spec.Egress {
			if (len(rule.To) == 0 || slices.ContainsFunc(rule.To, other.is)) && covers(rule.Ports, port) {
				return true
			}
		}
	}
	return !selected
}

// is reports whether a rule means this peer. Of addresses it only knows that they
// are outside.
func (p Peer) is(rule networkingv1.NetworkPolicyPeer) bool {
	if rule.IPBlock != nil || p.Outside {
		return rule.IPBlock != nil && p.Outside
	}
	if rule.NamespaceSelector == nil && p.Namespace != nil {
		return false
	}
	if rule.NamespaceSelector != nil && !matches(rule.NamespaceSelector, p.Namespace) {
		return false
	}
	return rule.PodSelector == nil || matches(rule.PodSelector, p.Labels)
}

func covers(ports []networkingv1.NetworkPolicyPort, port int) bool {
	if len(ports) == 0 {
		return true
	}
	return slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
		return (p.Protocol == nil || *p.Protocol == corev1.ProtocolTCP) && (p.Port == nil || p.Port.IntValue() == port)
	})
}
