# shellcheck shell=bash disable=SC2034
# Sourced by the recipe's steps. The second group is what kubeadm of that Kubernetes and kind's containerd settings ask for.
kubernetes=1.34.4 containerd=2.2.9 cni_plugins=1.9.1 etcd=3.6.8 coredns=1.14.3 kind=0.33.0
etcd_tag=3.6.5-0 coredns_tag=v1.12.1 pause_tag=3.10
