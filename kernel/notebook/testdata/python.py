"""Writes python.ipynb with nbformat, the reference implementation (5.10.4):  python python.py"""
import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

cells = [
    new_markdown_cell("# Title\n\nα < β", id="title"),
    new_code_cell("1 / 0\n", id="code", execution_count=3, outputs=[
        new_output("stream", name="stdout", text="one\ntwo\n"),
        new_output("display_data", data={"text/plain": "<Figure>", "image/png": "iVBORw0KGgo="}, metadata={"image/png": {"width": 3}}),
        new_output("execute_result", data={"text/html": "<b>\n&amp;\n</b>"}, execution_count=3),
        new_output("error", ename="ZeroDivisionError", evalue="division by zero", traceback=["\x1b[31mline 1\x1b[0m", "line 2"]),
    ]),
    new_code_cell("", id="empty"),
]
nb = new_notebook(cells=cells, metadata={"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}})
nb.nbformat_minor = 5
nbformat.validate(nb)
nbformat.write(nb, "python.ipynb")
