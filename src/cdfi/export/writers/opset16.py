"""Rewrite an ONNX model of opset 18 for opset 16, which DirectML and older runtimes read.

PyTorch writes opset 18 and later. The converter of the ``onnx`` package does not know all the
operations of our graphs. Between these opsets they differ in few ways: axes became an input, and
attributes were added whose defaults are the old behaviour.
"""

from typing import Any

from cdfi.common.extras import need

#: Reductions whose axes are an attribute in opset 16 (those of ReduceSum are an input already).
_REDUCTIONS = ("ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2")
#: Operation -> attributes that opset 16 does not have; with their defaults they change nothing.
_NEW_ATTRIBUTES: dict[str, dict[str, Any]] = {
    "Resize": {"antialias": 0, "axes": None, "keep_aspect_ratio_policy": b"stretch"},
    "Split": {"num_outputs": None},
    **{name: {"noop_with_empty_axes": 0} for name in _REDUCTIONS},
}
_OPSET = 16


def to_opset_16(model: Any) -> None:
    """Rewrite an ``onnx.ModelProto`` of opset 18, in place.

    Raises:
        ValueError: an operation of the model does not exist in opset 16.
    """
    onnx = need("onnx", "an .onnx file", "cdfi[onnx]")
    constants = {row.name: row for row in model.graph.initializer}
    constants |= {
        node.output[0]: node.attribute[0].t
        for node in model.graph.node
        if node.op_type == "Constant" and node.attribute[0].name == "value"
    }
    for node in model.graph.node:
        _remove_attributes(onnx, node)
        if node.op_type in _REDUCTIONS and len(node.input) > 1:
            axes = onnx.numpy_helper.to_array(constants[node.input[1]]).tolist()
            del node.input[1:]
            node.attribute.append(onnx.helper.make_attribute("axes", axes))
        _check_node(onnx, node)
    for imported in model.opset_import:
        if imported.domain == "":
            imported.version = _OPSET


def _remove_attributes(onnx: Any, node: Any) -> None:
    """Remove what opset 16 does not know.

    Raises:
        ValueError: an attribute has another value than the old behaviour.
    """
    removable = _NEW_ATTRIBUTES.get(node.op_type, {})
    for attribute in list(node.attribute):
        if attribute.name in removable:
            default = removable[attribute.name]
            value = onnx.helper.get_attribute_value(attribute)
            if default is not None and value != default:
                raise ValueError(f"opset 16 has no {node.op_type} with {attribute.name}={value}")
            node.attribute.remove(attribute)


def _check_node(onnx: Any, node: Any) -> None:
    """Raise ValueError unless opset 16 has this operation with these inputs and attributes."""
    try:
        schema = onnx.defs.get_schema(node.op_type, _OPSET, node.domain)
    except onnx.defs.SchemaError as error:
        raise ValueError(f"opset 16 has no {node.op_type}") from error
    unknown = {row.name for row in node.attribute} - set(schema.attributes)
    if unknown or len(node.input) > schema.max_input:
        raise ValueError(f"opset 16 has no {node.op_type} with {sorted(unknown) or 'these inputs'}")
