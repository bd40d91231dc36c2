/** sealer's label of an application that is a pod network; the application's name follows. */
export const CNI_LABEL = "cluster.alpha.sealer.io/kube-cni-";
/** The same for one that brings storage. */
export const CSI_LABEL = "cluster.alpha.sealer.io/kube-csi-";
/** sealer's label for what KUBEVERSION says. */
export const KUBE_VERSION_LABEL = "app.alpha.sealer.io/supported-kube-version";
