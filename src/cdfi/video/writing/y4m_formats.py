"""The pixel formats that YUV4MPEG2 holds, and how its header names them."""

#: Pixel format -> its name in the header.
COLOURS = {
    "yuv420p": "420jpeg XYSCSS=420JPEG",
    "yuv422p": "422 XYSCSS=422",
    "yuv444p": "444 XYSCSS=444",
    "gray": "mono",
    "yuv420p10le": "420p10 XYSCSS=420P10",
    "yuv422p10le": "422p10 XYSCSS=422P10",
    "yuv444p10le": "444p10 XYSCSS=444P10",
    "yuv420p12le": "420p12 XYSCSS=420P12",
    "yuv422p12le": "422p12 XYSCSS=422P12",
    "yuv444p12le": "444p12 XYSCSS=444P12",
    "gray10le": "mono10",
    "gray12le": "mono12",
    "gray16le": "mono16",
}
