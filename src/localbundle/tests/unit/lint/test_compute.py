"""Families of nodes by whether they have GPUs, with the names of the three clouds."""

import pytest
from localbundle.lint.compute import _CPU_NODES, _GPU_NODES

WITH_GPUS = """
g4dn.12xlarge g5.xlarge g5g.xlarge g6.4xlarge g6e.xlarge g6f.large gr6.4xlarge gr6f.4xlarge g7e.2xlarge p2.xlarge
p3.2xlarge p3dn.24xlarge p4d.24xlarge p4de.24xlarge p5.48xlarge p5en.48xlarge p6-b200.48xlarge Standard_NC64as_T4_v3
Standard_NC24ads_A100_v4 Standard_ND96asr_v4 Standard_NV36ads_A10_v5 a2-highgpu-4g a3-highgpu-8g a4-highgpu-8g
a4x-highgpu-4g g2-standard-96 g4-standard-48
"""
WITHOUT = """
m5d.xlarge m7i-flex.large m-fleet.xlarge rgd-fleet.2xlarge c6gn.large r8g.xlarge i3.xlarge i3en.large i4i.xlarge
i7ie.xlarge i8g.xlarge d3en.xlarge x2idn.16xlarge z1d.large t3.medium t3a.large Standard_DS3_v2 Standard_D8s_v5
Standard_DC4as_v5 Standard_E8ds_v5 Standard_EC8as_v5 Standard_EB8s_v5 Standard_F8s_v2 Standard_FX12mds Standard_L8s_v3
Standard_B4ms Standard_M8ms e2-standard-4 n2d-highmem-8 n4-standard-8 c2d-highcpu-8 c3d-standard-8 c4a-standard-8
t2d-standard-4 z3-highmem-8
"""


@pytest.mark.parametrize("node", WITH_GPUS.split())
def test_a_node_with_gpus(node: str) -> None:
    assert _GPU_NODES.match(node) and not _CPU_NODES.match(node)


@pytest.mark.parametrize("node", WITHOUT.split())
def test_a_node_without(node: str) -> None:
    assert _CPU_NODES.match(node) and not _GPU_NODES.match(node)
