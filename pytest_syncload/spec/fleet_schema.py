"""The form of `load.generators` where it names a Dask cluster in place of a number."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from pytest_syncload.spec import fields, forms
from pytest_syncload.spec.fields import Given, Text, checked, wrong
from pytest_syncload.spec.schema import Strict


def _is_path_of_a_class(text: str) -> bool:
    module, _, name = text.rpartition(".")
    return bool(module) and all(part.isidentifier() for part in (*module.split("."), name))


_CLASS = "the path of a class such as 'dask_cloudprovider.aws.FargateCluster'"


class DaskModel(Strict):
    """A Dask cluster, one generator on each of its workers. Needs the extra dask."""

    address: Annotated[
        Text | None,
        Given,
        checked(
            lambda text: "://" in text and bool(text.partition("://")[2]), "an address such as 'tls://10.0.0.5:8786'"
        ),
        forms.text(r"[a-z]+://[^\s]+", "an address such as 'tls://10.0.0.5:8786'", "tls://10.0.0.5:8786"),
    ] = Field(default=None, description="The scheduler of a cluster that is there.")
    cluster_class: Annotated[
        Text | None, Given, checked(_is_path_of_a_class, _CLASS), forms.text(r"[^\s.]+(?:\.[^\s.]+)+", _CLASS)
    ] = Field(default=None, description="The class of a cluster that is made for each phase, in place of address.")
    cluster_kwargs: dict[str, Any] = Field(
        default={}, description="What it is made with; kept in no file. Secrets belong into variables."
    )
    workers: fields.Whole = Field(description="How many of its workers offer the load.")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.address is None) == (self.cluster_class is None):
            raise wrong("a cluster has an address, or a cluster_class that makes it; write one of them", "one of both")
        if self.cluster_kwargs and self.cluster_class is None:
            raise wrong("cluster_kwargs make a cluster, and none is made here; leave them out", "no value here")
        return self


class FleetModel(Strict):
    """Who offers the load, where it is not processes of this machine."""

    dask: DaskModel
